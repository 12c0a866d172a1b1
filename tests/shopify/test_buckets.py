"""The shared bucket: points are queued up for, never raced for, and Shopify's word counts where it is lower."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from app import clock
from app.runtime import Runtime
from app.shopify import buckets
from app.shopify.buckets import Cost
from app.shops.models import ApiBucket, Shop

PLENTY = 1e9


class Tap:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = datetime.fromisoformat("2026-11-21T12:00:00+00:00")

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch) -> Tap:
    turned = Tap()
    monkeypatch.setattr(clock, "wall_now", lambda: turned.now)
    return turned


def told(available: float, *, requested: float = 10.0, actual: float = 10.0) -> Cost:
    return Cost(requested=requested, actual=actual, available=available, per_second=100.0, maximum=2000.0)


def level(runtime: Runtime, shop: Shop) -> float:
    with runtime.database.shop(shop.id) as session:
        return session.get_one(ApiBucket, shop.id).points


def fill(runtime: Runtime, shop: Shop, points: float) -> None:
    buckets.reserve(runtime, shop.id, 0.0, patience=PLENTY)
    buckets.settle(runtime, shop.id, 5000.0, told(points))


def test_what_a_call_did_not_use_is_put_back(runtime: Runtime, shop: Shop, tap: Tap) -> None:
    fill(runtime, shop, 1000.0)
    assert buckets.reserve(runtime, shop.id, 300.0, patience=PLENTY) == 0.0
    assert level(runtime, shop) == 700.0
    buckets.settle(runtime, shop.id, 300.0, told(990.0, requested=300.0, actual=10.0))
    assert level(runtime, shop) == 990.0


def test_shopify_is_believed_where_it_has_less_than_we_thought(runtime: Runtime, shop: Shop, tap: Tap) -> None:
    fill(runtime, shop, 1000.0)
    buckets.settle(runtime, shop.id, 0.0, told(40.0, actual=0.0))
    assert level(runtime, shop) == 40.0
    buckets.settle(runtime, shop.id, 0.0, told(1500.0, actual=0.0))
    assert level(runtime, shop) == 40.0, "more than we thought may be what others have reserved and not yet sent"


def test_the_bucket_fills_and_runs_over(runtime: Runtime, shop: Shop, tap: Tap) -> None:
    fill(runtime, shop, 500.0)
    tap.later(3)
    buckets.reserve(runtime, shop.id, 0.0, patience=PLENTY)
    assert level(runtime, shop) == 800.0
    tap.later(3600)
    buckets.reserve(runtime, shop.id, 0.0, patience=PLENTY)
    assert level(runtime, shop) == 2000.0


def test_whoever_finds_too_little_gets_a_turn_of_its_own(runtime: Runtime, shop: Shop, tap: Tap) -> None:
    fill(runtime, shop, 200.0)
    waits = [buckets.reserve(runtime, shop.id, 100.0, patience=PLENTY) for _ in range(4)]
    assert waits == [0.0, 1.0, 2.0, 3.0], "a second's points stay in it"


def test_impatience_takes_nothing(runtime: Runtime, shop: Shop, tap: Tap) -> None:
    fill(runtime, shop, 0.0)
    assert buckets.reserve(runtime, shop.id, 500.0, patience=2.0) == 6.0
    assert level(runtime, shop) == 0.0


def test_an_answer_without_figures_leaves_the_points_taken(runtime: Runtime, shop: Shop, tap: Tap) -> None:
    fill(runtime, shop, 500.0)
    buckets.reserve(runtime, shop.id, 100.0, patience=PLENTY)
    buckets.settle(runtime, shop.id, 100.0, buckets.cost_of({"data": {}}))
    assert level(runtime, shop) == 400.0


def test_a_call_that_never_ran_has_used_nothing(runtime: Runtime, shop: Shop, tap: Tap) -> None:
    fill(runtime, shop, 1000.0)
    buckets.reserve(runtime, shop.id, 400.0, patience=PLENTY)
    buckets.give_back(runtime, shop.id, 400.0)
    assert level(runtime, shop) == 1000.0


def test_a_throttled_call_has_used_nothing(runtime: Runtime, shop: Shop, tap: Tap) -> None:
    fill(runtime, shop, 1000.0)
    buckets.reserve(runtime, shop.id, 400.0, patience=PLENTY)
    refused = Cost(requested=400.0, actual=None, available=350.0, per_second=100.0, maximum=2000.0)
    buckets.settle(runtime, shop.id, 400.0, refused)
    assert level(runtime, shop) == 350.0


def test_many_at_once_never_share_a_point(runtime: Runtime, shop: Shop, tap: Tap) -> None:
    fill(runtime, shop, 100.0)
    with ThreadPoolExecutor(8) as pool:
        waits = sorted(pool.map(lambda _: buckets.reserve(runtime, shop.id, 10.0, patience=PLENTY), range(24)))
    assert waits == pytest.approx([n / 10 for n in range(1, 25)])


def test_shops_have_buckets_of_their_own(runtime: Runtime, shop: Shop, tap: Tap) -> None:
    from tests.factories import make_shop

    other = make_shop(runtime, domain="other.myshopify.com")
    fill(runtime, shop, 0.0)
    assert buckets.reserve(runtime, other.id, 100.0, patience=PLENTY) == 0.0
    with runtime.database.system() as session:
        assert session.scalar(text("select count(*) from api_buckets")) == 2
