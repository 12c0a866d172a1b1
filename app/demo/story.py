"""`make demo`: a small plant shop, installed and lived through for a year, then left running for you to look at.

The year is `dev_store.history.year`; its webhooks arrive signed, a share of them twice and out of order. Both clocks
move with it, so that it really passes; members redeem through the public API and use their codes at later checkouts,
visitors sign up at a popup of the storefront and buy with the code that they are shown.
"""

import json
import signal
import threading
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Never

import click
from tqdm import tqdm

from app import clock
from app.demo.judging import Difference, judge, wait_until_quiet
from app.demo.processes import DemoError
from app.demo.world import World, clear, read_notes
from dev_store.history.running import Runner
from dev_store.history.steps import REDEEM, SIGN_UP, Step
from dev_store.history.window import Visitors, fill_shelves
from dev_store.history.year import generate

SHOP = "fern-and-moss.myshopify.com"
PLACE = {"name": "Fern & Moss", "currency": "GBP", "timezone": "Europe/London", "country": "GB"}
STORY, SEED, DAYS = "year with visitors", 1, 365
SUMMARY = "demo-summary.json"
DOUBLED, WINDOW = 0.1, 40  # share of deliveries that come twice; how many stand in a row that is drawn from
BATCH = 60
APP_PORT, STORE_PORT = 3000, 9292  # where the demo is looked for; others where these are taken
CLOCK_STEP = timedelta(hours=6)  # of the history's time; redemptions happen at their instant


def demo(home: Path, *, fresh: bool = False, once: bool = False) -> int:
    """Tells the story, or finds it told; returns the exit code. With `once` judges it and does not stay up."""
    notes = read_notes(home)
    if notes and notes.story != STORY:
        click.echo("The last demo did not reach the end of its year: starting over.")
    if fresh or once or notes is None or notes.story != STORY:
        clear(home)
    with World(home, SHOP, app_port=APP_PORT, store_port=STORE_PORT) as world:
        if world.notes.story != STORY:
            _live(world)
        if once:
            return _judged(world)
        _show(world)
        _stay(world)
    return 0


def _live(world: World) -> None:
    start = clock.wall_now() - timedelta(days=DAYS)
    world.move_clocks(-timedelta(days=DAYS))
    click.echo(f"Installing Perennial in {PLACE['name']} ({world.shop}) …")
    world.install(**PLACE)
    world.store.delivery(double=DOUBLED, shuffle=WINDOW, compress=1000)
    fill_shelves(world.store)
    visitors = world.visitors()
    visitors.open_window()
    wait_until_quiet(world)
    steps = generate(SEED, start=start, days=DAYS, visitors=True)
    with tqdm(total=len(steps), desc="A year of the shop", unit="step") as bar:
        runner = live(world, steps, bar, visitors)
        bar.set_postfix_str("settling")
        wait_until_quiet(world)
    world.store.delivery(double=0.0, shuffle=0, compress=1)
    world.move_clocks(timedelta())
    if runner.refused:
        raise DemoError(f"The seeded year does not fit the development store: {runner.refused[0]}")
    world.finished(STORY)


def live(world: World, steps: list[Step], bar: "tqdm[Never]", visitors: Visitors | None = None) -> Runner:
    """Lives through steps with members who redeem and visitors who sign up; both clocks go along."""
    reward, members = world.members.reward(), world.members

    def redeem(customer_ids: list[int]) -> dict[int, str]:
        wait_until_quiet(world)
        return members.redeem(customer_ids, reward)

    there = steps[0].at

    def before(step: Step) -> None:
        nonlocal there
        if step.verb in {REDEEM, SIGN_UP} or step.at - there >= CLOCK_STEP:
            there = step.at
            world.move_clocks(there - clock.wall_now())
            bar.set_postfix_str(f"{there:%d %b %Y}")

    sign_up, link = (visitors.sign_up, visitors.link) if visitors else (None, None)
    runner = Runner(world.store, batch=BATCH, redeem=redeem, sign_up=sign_up, link=link, before=before, done=bar.update)
    runner.live(steps)
    return runner


def _judged(world: World) -> int:
    verdict = judge(world)
    if not verdict.summary["codes"]["used"]:
        verdict.differences.append(Difference("codes that members used", "many", "none"))
        verdict.summary["agrees"] = False
    if not verdict.summary["points"]["for_friends"]:
        verdict.differences.append(Difference("points for friends", "many", "none"))
        verdict.summary["agrees"] = False
    if not any(popup["codes_used"] for popup in verdict.summary["popups"].values()):
        verdict.differences.append(Difference("codes that visitors used", "many", "none"))
        verdict.summary["agrees"] = False
    path = world.home / SUMMARY
    path.write_text(json.dumps(verdict.summary, indent=2) + "\n", encoding="utf-8")
    click.echo(json.dumps(verdict.summary, indent=2))
    if verdict.differences:
        click.echo("\nThe development store and Perennial do not agree:\n" + "\n".join(verdict.lines()), err=True)
        return 1
    click.echo(f"Everything agrees with the shop's own orders. Written to {path}")
    return 0


def _show(world: World) -> None:
    figures = world.store.figures()
    members = (owner for owner, row in figures["accounts"].items() if owner.isdigit() and row["balance"] >= 100)
    customer = next(members, "1")
    api = f"{world.app_url}/api/v1"
    key = f'-H "Authorization: Bearer {world.notes.key}"'
    click.echo(
        f"""
Fern & Moss has had a year: {figures["orders"]["all"]:,} orders, {figures["customers"]} customers, \
{figures["points_outstanding"]:,} points outstanding on {clock.wall_now():%d %B %Y}.

  The storefront {world.store_origin}/{world.shop}/
                 Leave the page with the pointer at its upper edge, and the popup comes.
                 Log in as {_address(world, customer)} to see points and the link for friends.
  The app        {world.store_origin}/{world.shop}/admin/apps/{world.notes.client_id}
  The API        {api}/openapi.json
  Metrics        {world.app_url}/metrics
  The shop       {world.store_origin}/_dev/shops/{world.shop}/figures
  Its orders     {world.store_origin}/_dev/shops/{world.shop}/orders?limit=5
  Logs           {world.home / "logs"}

Try:
  curl {key} {api}/customers/{customer}
  curl {key} {api}/customers/{customer}/ledger
  curl {key} -H "Idempotency-Key: {uuid.uuid4()}" -H "Content-Type: application/json" \\
       -d '{{"reward_id": "{world.members.reward()}"}}' {api}/customers/{customer}/redemptions
  curl {key} "{api}/events?limit=5"
  curl -H "Content-Type: application/json" -d '{{"customer_id": {customer}, "lines": [{{"title": "Boston fern", \
"quantity": 2, "price": "18.50"}}]}}' \\
       {world.store_origin}/_dev/shops/{world.shop}/place_order

Ctrl-C stops everything; `make demo` brings this shop back, `make demo FRESH=1` starts a new year.
"""
    )


def _address(world: World, customer: str) -> str:
    """The e-mail address under which a customer logs in; the store asks for no password."""
    return world.store.customer(int(customer))["email"] or "a customer"


def _stay(world: World) -> None:
    """Until Ctrl-C or SIGTERM, or until one of the processes ends by itself."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: asked.set())
    while not asked.wait(1.0):
        for child in world.children:
            if child.process.poll() is not None:
                raise DemoError(f"The process {child.name} has ended; see {child.log}.")
    click.echo("Stopping …")
