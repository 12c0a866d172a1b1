"""A small history through real processes: what is judged, and what a second start finds."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from tqdm import tqdm

from app import clock
from app.demo.judging import judge, wait_until_quiet
from app.demo.story import PLACE, live
from app.demo.world import World, clear, read_notes
from dev_store.history.window import TITLE
from dev_store.history.year import generate

SHOP = "small.myshopify.com"
START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    clear(tmp_path / "home")


@pytest.mark.timeout(300)
def test_a_small_history_agrees_a_foreign_point_is_found_and_a_second_start_finds_the_shop(home: Path) -> None:
    steps = generate(11, start=START, customers=20, orders=60, days=20, visitors=True)
    with World(home, SHOP) as world, tqdm(total=len(steps), disable=True) as bar:
        world.move_clocks(START - clock.wall_now())
        world.install(**PLACE)
        visitors = world.visitors()
        visitors.open_window()
        wait_until_quiet(world)
        live(world, steps, bar, visitors)
        wait_until_quiet(world)
        world.move_clocks(timedelta())
        world.finished("small")
        agreed = judge(world)
        assert agreed.differences == []
        assert agreed.summary["agrees"]
        assert agreed.summary["webhooks"]["received"] > 180
        popup = agreed.summary["popups"][TITLE]
        assert popup["sign_ups"] >= popup["codes_used"] > 0
        assert (popup["views"], popup["closes"]) == (4 * popup["sign_ups"], 3 * popup["sign_ups"])
        customer = next(owner for owner in world.store.figures()["accounts"] if owner.isdigit())
        _adjust(world, customer, 5)
        found = judge(world)
    assert {difference.what for difference in found.differences} == {"points outstanding", f"account {customer}"}
    assert f"account {customer}" in "\n".join(found.lines())
    assert json.loads((home / "demo.json").read_text())["story"] == "small"
    begun = time.monotonic()
    with World(home, "another.myshopify.com") as world:
        assert (world.shop, world.store.figures()["orders"]["all"]) == (SHOP, agreed.summary["orders"])
    assert time.monotonic() - begun < 60
    clear(home)
    assert (read_notes(home), home.exists()) == (None, False)


def _adjust(world: World, customer: str, points: int) -> None:
    answer = requests.post(
        f"{world.app_url}/api/v1/customers/{customer}/adjustments",
        json={"points": points, "reason": "goodwill"},
        headers={
            "Authorization": f"Bearer {world.notes.key}",
            "Idempotency-Key": "2b9c7f64-0000-4000-8000-000000000001",
        },
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
