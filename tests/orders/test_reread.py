"""Reading an order again gives the numbers its webhook gave, and settles what deliveries left open."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app import clock
from app.jobs import drain
from app.loyalty.models import LedgerEntry
from app.orders import reread, service
from app.orders.models import Order
from app.orders.payload import parse_order
from app.orders.reread import read_order
from app.reactions import react
from app.shopify.client import client_for
from app.shops.models import Shop
from dev_store.commerce import OrderLine
from dev_store.faults import Fault, Kind
from tests.orders.conftest import Shopify, without_source


def line(title: str, price: str, quantity: int = 1) -> OrderLine:
    return OrderLine(title=title, sku=title.upper(), quantity=quantity, price=price)


def place(connected: Shopify, *lines: OrderLine, **more: object) -> int:
    """An order of a new customer, placed an hour ago."""
    at = clock.now() - timedelta(hours=1)
    commerce = connected.commerce
    customer = commerce.create_customer(at=at, email=f"c{len(lines)}{len(more)}@shop.example", first_name="Ada")
    return commerce.place_order(at=at, customer_id=customer, lines=list(lines), **more)


def told_twice(connected: Shopify, order_id: int) -> None:
    """Both readings of an order are the same snapshot."""
    now = clock.now()
    by_webhook = parse_order(connected.shop.id, connected.document(order_id), now)
    body = read_order(client_for(connected.runtime, connected.shop.id), order_id)
    assert body is not None
    by_api = parse_order(connected.shop.id, body, now)
    assert without_source(by_api, now) == without_source(by_webhook, now)
    assert without_source(by_api, now).digest == without_source(by_webhook, now).digest


def deliver(connected: Shopify, order_id: int) -> None:
    """The webhook of the order as it is now arrives."""
    snapshot = parse_order(connected.shop.id, connected.document(order_id), clock.now())
    with connected.runtime.database.system() as session:
        react(session, service.apply(session, [snapshot]))


def points(connected: Shopify) -> list[int]:
    with connected.runtime.database.system() as session:
        return [entry.points for entry in session.query(LedgerEntry).order_by(LedgerEntry.id)]


def test_a_plain_order_reads_the_same_both_ways(connected: Shopify) -> None:
    told_twice(connected, place(connected, line("Tea", "12.50", 3), line("Cup", "8.00"), shipping="5.00", tip="1.00"))


def test_an_order_with_codes_reads_the_same_both_ways(connected: Shopify) -> None:
    connected.commerce.create_discount(at=clock.now() - timedelta(days=1), code="TEN", percentage="0.1")
    told_twice(connected, place(connected, line("Tea", "12.50", 3), line("Cup", "8.00"), discount_codes=["TEN"]))


@pytest.mark.parametrize(
    "told",
    [
        {"source_name": "pos"},
        {"source_name": "shopify_draft_order"},
        {"company_id": 77},
        {"paid_with": {"gift_card": "20.00", "shopify_store_credit": "5.50"}},
        {"paid_with": {"gift_card": "32.50"}},
        {"presentment_currency": "EUR", "presentment_rate": "0.92"},
    ],
    ids=lambda told: "-".join(map(str, told.values())),
)
def test_where_how_and_in_which_currency_an_order_was_paid_reads_the_same_both_ways(
    connected: Shopify, told: dict[str, object]
) -> None:
    gift_card = OrderLine(title="Gift card", quantity=1, price="25.00", gift_card=True, taxable=False)
    order = place(connected, gift_card, line("Tea", "1.50", 5), **told)
    tea = connected.document(order)["line_items"][1]["id"]
    connected.commerce.refund(order, at=clock.now() - timedelta(minutes=30), lines={tea: 2})
    told_twice(connected, order)


def test_a_guests_unpaid_test_order_reads_the_same_both_ways(connected: Shopify) -> None:
    at = clock.now() - timedelta(hours=1)
    order = connected.commerce.place_order(
        at=at, email="guest@shop.example", lines=[line("Tea", "3.00")], financial_status="pending", test=True
    )
    told_twice(connected, order)


@pytest.mark.parametrize("taxes_included", [False, True])
def test_refunds_of_goods_shipping_and_loose_money_read_the_same_both_ways(
    connected: Shopify, taxes_included: bool
) -> None:
    shop = connected.store.state.shop_document(connected.shop.domain)
    assert shop is not None
    connected.store.state.put(connected.shop.domain, "shop", shop["id"], shop | {"taxes_included": taxes_included})
    order = place(connected, line("Tea", "12.50", 3), line("Cup", "8.00"), shipping="5.00")
    tea = connected.document(order)["line_items"][0]["id"]
    connected.commerce.refund(order, at=clock.now() - timedelta(minutes=30), lines={tea: 1}, shipping="2.00")
    connected.commerce.refund(order, at=clock.now() - timedelta(minutes=20), amount="4.25")
    told_twice(connected, order)


def test_a_cancelled_order_reads_the_same_both_ways(connected: Shopify) -> None:
    order = place(connected, line("Tea", "12.50", 3))
    connected.commerce.cancel(order, at=clock.now() - timedelta(minutes=30))
    told_twice(connected, order)


def test_an_order_longer_than_a_page_is_read_whole(connected: Shopify) -> None:
    told_twice(connected, place(connected, *(line(f"Tea {n}", "1.10") for n in range(120))))


def test_an_edited_order_is_worth_what_it_is_now(connected: Shopify) -> None:
    order = place(connected, line("Tea", "10.00", 2))
    deliver(connected, order)
    assert points(connected) == [20]
    connected.commerce.edit_order(order, at=clock.now(), add=[line("Cup", "5.00")])
    reread.reread_order(connected.runtime, shop_id=connected.shop.id, order_id=order)
    assert points(connected) == [20, 5], "once paid stays paid, and the goods are worth more now"


def test_reading_again_does_not_plan_to_read_again(connected: Shopify) -> None:
    order = place(connected, line("Tea", "10.00"))
    deliver(connected, order)
    with connected.runtime.database.system() as session:
        session.execute(update(Order).values(digest=b"another", name="#9", landing_site="/?ref=ABC"))
    reread.reread_order(connected.runtime, shop_id=connected.shop.id, order_id=order)
    with connected.runtime.database.system() as session:
        stored = session.query(Order).one()
    assert (stored.name, stored.landing_site) == (connected.document(order)["name"], "/?ref=ABC")
    assert drain(connected.runtime) == 0


def test_an_order_we_never_heard_of_is_taken_in(connected: Shopify) -> None:
    order = place(connected, line("Tea", "10.00"))
    reread.reread_order(connected.runtime, shop_id=connected.shop.id, order_id=order)
    assert points(connected) == [10]


def test_an_order_that_shopify_says_is_not_there_is_deleted(connected: Shopify) -> None:
    order = place(connected, line("Tea", "10.00"))
    deliver(connected, order)
    connected.commerce.delete_order(order, at=clock.now())
    reread.reread_order(connected.runtime, shop_id=connected.shop.id, order_id=order)
    assert points(connected) == [10, -10]


def test_an_order_too_old_to_be_shown_is_left_as_it_is(connected: Shopify) -> None:
    order = place(connected, line("Tea", "10.00"))
    deliver(connected, order)
    connected.commerce.delete_order(order, at=clock.now())
    with connected.runtime.database.system() as session:
        session.execute(update(Order).values(created_at=clock.now() - timedelta(days=61)))
    reread.reread_order(connected.runtime, shop_id=connected.shop.id, order_id=order)
    assert points(connected) == [10]
    with connected.runtime.database.system() as session:
        session.execute(update(Shop).values(scopes="read_orders,read_all_orders"))
    reread.reread_order(connected.runtime, shop_id=connected.shop.id, order_id=order)
    assert points(connected) == [10, -10], "with that scope there is nothing Shopify would hide"


def test_passing_troubles_are_waited_out(connected: Shopify) -> None:
    order = place(connected, line("Tea", "10.00"))
    connected.store.faults.replace([Fault("OrderReread", kind) for kind in (Kind.SERVER_ERROR, Kind.TIMEOUT_AFTER)])
    reread.reread_order(connected.runtime, shop_id=connected.shop.id, order_id=order)
    assert points(connected) == [10]
