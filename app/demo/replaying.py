"""A real shop's file through the same door as live webhooks: what last year would have been worth, or if it agrees.

Each run has a home of its own below the clone and leaves nothing behind. Called by `perennial dev-store
replay` and by `make real-year`.
"""

import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import click
from tqdm import tqdm

from app import clock
from app.demo.judging import Difference, Verdict, judge, wait_until_quiet
from app.demo.reliving import Relived, programs, relive
from app.demo.story import live
from app.demo.world import ROOT, World, clear
from dev_store.history import direct
from dev_store.history.direct import Purchase
from dev_store.history.replay import History, read
from dev_store.history.running import Runner

SHOP = "last-year.myshopify.com"
REWARD_POINTS, REWARD_WORTH = 100, Decimal(5)
TOP = 10


@dataclass(frozen=True)
class Replayed:
    """A world in which the whole file has happened and everything is settled."""

    world: World
    history: History
    runner: Runner
    seconds: float


def replay_file(file: Path) -> int:
    """Prints points per customer (the first ten), totals and their cost at the default reward."""
    with _replayed(file) as done:
        accounts = done.world.store.figures()["accounts"]
        balances = done.world.members.balances([int(owner) for owner in accounts if owner.isdigit()])
        names = [step.makes for step in done.history.steps if step.verb == "create_customer" and step.makes]
        points = {name: balances.get(done.runner.ids[name]) or 0 for name in names}
        _print_worth(points, done.history.currency)
    return 0


def real_year(file: Path, only: str | None = None) -> int:
    """Replays the file and compares every account, then under three other programs or `only` one; 1 if any differs."""
    with _replayed(file) as done:
        # Of an order export there is no computation that knows nothing of the replay.
        bought = direct.purchases(file) if direct.can_read(file) else []
        verdict = judge(done.world)
        differences = verdict.differences + _compare_directly(bought, done, verdict.balances)
        received = verdict.summary["webhooks"]["received"]
        click.echo(
            f"{received:,} webhooks in {done.seconds:.0f} s: {received / done.seconds:,.0f} a second, from the first"
            " step to the last point."
        )
        for relived in _relived(bought, done, only):
            click.echo("\n".join(relived.lines()))
            differences += relived.differences
    if differences:
        click.echo("\n".join(Verdict({}, differences).lines()), err=True)
        return 1
    click.echo("Every account agrees to the point.")
    return 0


@contextmanager
def _replayed(file: Path) -> Iterator[Replayed]:
    click.echo(f"Reading {file.name} …")
    history = read(file)
    click.echo("\n".join(f"  {line}" for line in history.report.lines()))
    home = Path(tempfile.mkdtemp(dir=_place()))
    try:
        with World(home, SHOP) as world:
            place = {"name": file.stem[:40] or "Shop", "currency": history.currency}
            # Before the file's year: whoever is created afterwards is known from the first order on.
            world.move_clocks(history.steps[0].at - timedelta(hours=1) - clock.wall_now())
            world.install(**place, timezone="Europe/London", country="GB")
            # Now, of an empty shop; it would come by itself in the middle of the file, and read all of that.
            world.perennial("import-shop", "--shop", world.shop)
            yield _live(world, history)
    finally:
        clear(home)
        shutil.rmtree(home, ignore_errors=True)


def _live(world: World, history: History) -> Replayed:
    begun = time.monotonic()
    with tqdm(total=len(history.steps), unit="step", desc="Replaying") as bar:
        runner = live(world, history.steps, bar)
        bar.set_postfix_str("settling")
        wait_until_quiet(world)
    if runner.refused:
        first = runner.refused[0]
        click.echo(
            f"The shop refused {len(runner.refused):,} of them, the first: {first.step.verb}: {first.why}", err=True
        )
    return Replayed(world, history, runner, time.monotonic() - begun)


def _compare_directly(bought: Sequence[Purchase], done: Replayed, balances: dict[int, int | None]) -> list[Difference]:
    """Against a computation made from the file alone, where there is one (invoice lines)."""
    wanted = direct.worth(bought)
    held = {customer: balances.get(done.runner.ids[f"c{customer}"]) for customer in wanted}
    if wanted:
        click.echo(f"{len(wanted):,} accounts compared with a computation from the file alone.")
    return [
        Difference(f"customer {customer}, from the file", points, held[customer])
        for customer, points in wanted.items()
        if points != held[customer]
    ]


def _relived(bought: Sequence[Purchase], done: Replayed, only: str | None) -> Iterator[Relived]:
    if not bought:
        return
    customers = {order.customer: done.runner.ids[f"c{order.customer}"] for order in bought}
    for program in programs(bought, done.history.steps[0].at.date()):
        if only in {None, program.name}:
            yield relive(done.world, done.history, program, customers)


def _print_worth(points: dict[str, int], currency: str) -> None:
    click.echo(f"\nWith Perennial's first program (1 point for each whole {currency}) the year would have given:\n")
    for name, held in sorted(points.items(), key=lambda entry: (-entry[1], entry[0]))[:TOP]:
        click.echo(f"  {held:>10,}  {re.sub(r'^c(?=[0-9]+$)', '', name)}")
    total, holders = sum(points.values()), sum(held > 0 for held in points.values())
    rewards = sum(held // REWARD_POINTS for held in points.values())
    click.echo(f"\n  {total:>10,}  points in all, held by {holders:,} of {len(points):,} customers")
    click.echo(f"  {rewards:>10,}  rewards of {REWARD_WORTH:.2f} {currency} they could be turned into today")
    click.echo(f"  {rewards * REWARD_WORTH:>10,.2f}  {currency} at most, if every one of them were used")


def _place() -> Path:
    place = ROOT / ".cache" / "replays"
    place.mkdir(parents=True, exist_ok=True)
    return place
