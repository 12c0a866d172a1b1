"""Pools are filled once whatever Shopify answers, and hand each code to one taker."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app import clock
from app.discounts.pools import jobs, service
from app.discounts.pools.models import CodePool, PoolCode
from app.discounts.pools.service import Offer
from app.errors import Invalid
from app.runtime import Runtime
from app.shops.models import Shop
from app.shops.secrets import code_key
from dev_store.faults import Fault, Kind
from tests.orders.conftest import Shopify

OFFER = Offer(title="Welcome", kind="amount_off", value=500, currency="USD", target=12, low=4)


def opened(connected: Shopify, offer: Offer = OFFER) -> int:
    with connected.runtime.database.shop(connected.shop.id) as session:
        return service.open_pool(session, connected.shop.id, offer).id


def fill(connected: Shopify) -> None:
    """Run the job, with the pool due whatever was postponed."""
    with connected.runtime.database.system() as session:
        session.execute(update(CodePool).where(CodePool.due_at.is_not(None)).values(due_at=clock.wall_now()))
    jobs.fill_due(connected.runtime, shop_id=connected.shop.id)


def states(connected: Shopify) -> dict[str, int]:
    with connected.runtime.database.shop(connected.shop.id) as session:
        found = session.scalars(select(PoolCode.state)).all()
    return {state: found.count(state) for state in set(found)}


def pool(connected: Shopify) -> CodePool:
    with connected.runtime.database.shop(connected.shop.id) as session:
        found = session.scalars(select(CodePool)).one()
        session.expunge(found)
        return found


def discounts(connected: Shopify) -> list[dict[str, Any]]:
    return list(connected.store.state.all(connected.shop.domain, "discount"))


def test_a_pool_becomes_one_discount_with_as_many_codes_as_wanted(connected: Shopify) -> None:
    opened(connected)
    fill(connected)
    assert states(connected) == {"free": 12}
    assert (pool(connected).state, pool(connected).due_at) == ("ready", None)
    [discount] = discounts(connected)
    assert len(discount["codes"]) == 12
    assert (discount["usage_limit"], discount["applies_once_per_customer"]) == (1, True)
    assert discount["customer_gets"]["value"]["amount"] == "5.00"
    assert discount["context"] == {"all": True}


def test_a_share_a_minimum_and_combining_reach_shopify(connected: Shopify) -> None:
    opened(
        connected, Offer(title="W", kind="percent_off", value=1_050, currency="USD", minimum_minor=20_00, combines=True)
    )
    fill(connected)
    [discount] = discounts(connected)
    assert float(discount["customer_gets"]["value"]["percentage"]) == 0.105
    assert discount["minimum_requirement"] == {"subtotal": "20.00"}
    assert discount["combines_with"] == {"order_discounts": True, "product_discounts": True, "shipping_discounts": True}


def test_takers_at_the_same_time_get_different_codes_and_a_dry_pool_gives_none(connected: Shopify) -> None:
    pool_id = opened(connected)
    fill(connected)
    taken: list[str | None] = []

    def take() -> None:
        with connected.runtime.database.shop(connected.shop.id) as session:
            taken.append(service.take(session, connected.shop.id, pool_id))

    takers = [threading.Thread(target=take) for _ in range(16)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    given = [code for code in taken if code]
    assert (len(given), len(set(given)), taken.count(None)) == (12, 12, 4)


def test_a_pool_that_runs_low_is_filled_up_again(connected: Shopify) -> None:
    pool_id = opened(connected)
    fill(connected)
    for _ in range(9):
        with connected.runtime.database.shop(connected.shop.id) as session:
            service.take(session, connected.shop.id, pool_id)
    jobs.refill(connected.runtime, shop_id=connected.shop.id, pool_id=pool_id)
    fill(connected)
    assert states(connected) == {"free": 12, "given": 9}
    [discount] = discounts(connected)
    assert len(discount["codes"]) == 21


def test_a_taking_that_is_rolled_back_leaves_the_code_free(connected: Shopify) -> None:
    pool_id = opened(connected)
    fill(connected)
    with pytest.raises(RuntimeError), connected.runtime.database.shop(connected.shop.id) as session:
        assert service.take(session, connected.shop.id, pool_id)
        raise RuntimeError
    assert states(connected) == {"free": 12}


@pytest.mark.parametrize("fault", [Kind.TIMEOUT_AFTER, Kind.TIMEOUT_BEFORE, Kind.SERVER_ERROR, Kind.THROTTLED])
@pytest.mark.parametrize("operation", ["DiscountCodeBasicCreate", "DiscountRedeemCodeBulkAdd"])
def test_whatever_happens_to_a_call_there_is_one_discount_and_no_code_twice(
    connected: Shopify, fault: Kind, operation: str
) -> None:
    opened(connected)
    connected.store.faults.replace([Fault(operation, fault)])
    for _ in range(4):
        fill(connected)
    assert states(connected) == {"free": 12}
    [discount] = discounts(connected)
    assert len({code["code"] for code in discount["codes"]}) == len(discount["codes"]) == 12


def test_a_code_that_belongs_to_somebody_else_is_never_adopted(connected: Shopify) -> None:
    pool_id = opened(connected)
    fill(connected)
    with connected.runtime.database.shop(connected.shop.id) as session:
        session.execute(update(PoolCode).values(state="given"))
    jobs.refill(connected.runtime, shop_id=connected.shop.id, pool_id=pool_id)
    with connected.runtime.database.shop(connected.shop.id) as session:
        session.execute(update(CodePool).values(due_at=clock.wall_now()))
        key = code_key(connected.runtime.keyring, session.get_one(Shop, connected.shop.id))
        claimed = service.claim(session, connected.shop.id, key)
    assert claimed is not None
    foreign = discounts(connected)[0] | {
        "id": 77,
        "codes": [{"id": 1, "code": claimed.codes[0], "usage_count": 0}],
        "tags": [],
    }
    connected.store.state.put(connected.shop.domain, "discount", 77, foreign)
    fill(connected)
    with connected.runtime.database.shop(connected.shop.id) as session:
        assert session.get_one(PoolCode, (connected.shop.id, claimed.codes[0])).state == "refused"
    assert states(connected)["free"] == 12


def test_an_offer_that_shopify_will_not_have_fails_and_says_so(connected: Shopify) -> None:
    past = clock.now() - timedelta(days=1)
    opened(connected, Offer(title="Late", kind="amount_off", value=500, currency="USD", ends_at=past))
    fill(connected)
    assert discounts(connected) == []
    assert (pool(connected).state, pool(connected).last_error, pool(connected).due_at) == ("failed", "UserErrors", None)


@pytest.mark.parametrize(
    "offer",
    [
        Offer(title="W", kind="percent_off", value=10_001, currency="USD"),
        Offer(title="W", kind="amount_off", value=0, currency="USD"),
        Offer(title="W", kind="free_goods", value=1, currency="USD"),
        Offer(title="W", kind="amount_off", value=1, currency="USD", target=5, low=5),
    ],
)
def test_an_offer_that_cannot_be_is_refused_before_anything_is_written(
    runtime: Runtime, shop: Shop, offer: Offer
) -> None:
    with pytest.raises(Invalid), runtime.database.shop(shop.id) as session:
        service.open_pool(session, shop.id, offer)
    with runtime.database.shop(shop.id) as session:
        assert session.scalars(select(CodePool)).all() == []
