"""Orders that have to be read again are rows: a job that gave up, or a shop that was away, loses none."""

from datetime import timedelta

from sqlalchemy import text, update

from app import clock
from app.changes import Changes
from app.jobs import drain
from app.orders import reread
from app.orders.models import Order, OrderReread, Refund
from app.reactions import react
from app.shops.models import Shop
from dev_store.commerce import OrderLine
from dev_store.faults import Fault, Kind
from tests.orders.conftest import Shopify

TEA = OrderLine(title="Tea", sku="TEA", quantity=60, price="10.00")


def place(connected: Shopify) -> int:
    at = clock.now() - timedelta(hours=1)
    return connected.commerce.place_order(at=at, email="ada@shop.example", lines=[TEA])


def want(connected: Shopify, order: int) -> None:
    with connected.runtime.database.system() as session:
        react(session, Changes(rereads={(connected.shop.id, order)}))


def waiting(connected: Shopify) -> list[tuple[int, str | None]]:
    with connected.runtime.database.system() as session:
        return [(row.order_id, row.last_error) for row in session.query(OrderReread)]


def forget_jobs(connected: Shopify) -> None:
    with connected.runtime.database.system() as session:
        session.execute(text("delete from procrastinate_jobs"))


def test_an_order_stays_wanted_until_it_was_read(connected: Shopify) -> None:
    order = place(connected)
    connected.store.faults.replace([Fault("OrderReread", Kind.SERVER_ERROR, times=9)])
    want(connected, order)
    drain(connected.runtime)
    assert waiting(connected) == [(order, "Unavailable")]
    forget_jobs(connected)
    reread.plan_due(connected.runtime)
    assert drain(connected.runtime) == 0, "the job has a day of its own"
    connected.store.faults.replace([])
    with connected.runtime.database.system() as session:
        session.execute(update(OrderReread).values(due_at=clock.now()))
    reread.plan_due(connected.runtime)
    drain(connected.runtime)
    assert waiting(connected) == []
    with connected.runtime.database.system() as session:
        assert session.query(Order).one().id == order


def test_a_shop_that_is_away_is_not_asked(connected: Shopify) -> None:
    want(connected, 9)
    forget_jobs(connected)
    for change in ({"state": "uninstalled"}, {"state": "installed", "connection": "reauthorise"}):
        with connected.runtime.database.system() as session:
            session.execute(update(OrderReread).values(due_at=clock.now()))
            session.execute(update(Shop).values(**change))
        reread.plan_due(connected.runtime)
    with connected.runtime.database.system() as session:
        assert session.scalar(text("select count(*) from procrastinate_jobs")) == 0
    assert waiting(connected) == [(9, None)]


def test_what_is_wanted_while_it_is_being_read_is_read_once_more(connected: Shopify) -> None:
    order = place(connected)
    want(connected, order)
    with connected.runtime.database.system() as session:
        session.execute(update(OrderReread).values(wanted_at=clock.now() + timedelta(minutes=1)))
    drain(connected.runtime)
    assert waiting(connected) == [(order, None)]


def test_every_refund_of_an_order_counts_once_however_many_there_are(connected: Shopify) -> None:
    """A page of refunds is 50; the 51st would be counted beside the order's totals, which know it."""
    order = place(connected)
    [line] = connected.document(order)["line_items"]
    for _ in range(51):
        connected.commerce.refund(order, at=clock.now(), lines={line["id"]: 1})
    told = sorted(refund["id"] for refund in connected.document(order)["refunds"])
    want(connected, order)
    drain(connected.runtime)
    with connected.runtime.database.system() as session:
        assert session.query(Refund).count() == len(told) == 51
        assert sorted(session.query(Order).one().listed_refunds) == told
    assert waiting(connected) == []
