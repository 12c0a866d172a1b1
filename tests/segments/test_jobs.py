"""The sweep begins shops and wakes those with something to follow; definitions wait for a step that is under way."""

import threading

import pytest
from sqlalchemy import select, text

from app import job_table, jobs
from app.errors import Conflict
from app.runtime import Runtime
from app.segments import jobs as segment_jobs
from app.segments import service
from app.segments.models import Segment, SegmentShop
from app.shops.models import Shop
from tests.segments.town import Town

ADA = 7


def planned(runtime: Runtime) -> list[int]:
    with runtime.database.system() as session:
        waiting = text("""
            select cast(args ->> 'shop_id' as bigint) from procrastinate_jobs
            where task_name = 'segments.follow' and status = 'todo' order by 1
        """)
        return list(session.execute(waiting).scalars())


@pytest.mark.requirement(10, partly=True)
def test_a_webhooks_customer_is_in_the_segment_after_one_sweep(runtime: Runtime, shop: Shop) -> None:
    job_table.load()
    town = Town(runtime, shop)
    segment_jobs.sweep(runtime)
    jobs.drain(runtime)
    town.customer(ADA)
    segment_jobs.sweep(runtime)
    jobs.drain(runtime)
    assert town.members("new_customers") == [ADA]


def test_a_shop_in_which_nothing_happens_is_not_woken_until_its_midnight(town: Town) -> None:
    segment_jobs.sweep(town.runtime)
    assert planned(town.runtime) == []
    town.wait(1)
    segment_jobs.sweep(town.runtime)
    assert planned(town.runtime) == [town.shop.id]
    jobs.drain(town.runtime)
    segment_jobs.sweep(town.runtime)
    assert planned(town.runtime) == []


def test_a_shop_begins_once(town: Town) -> None:
    segment_jobs.sweep(town.runtime)
    jobs.drain(town.runtime)
    with town.runtime.database.system() as session:
        assert len(session.scalars(select(Segment)).all()) == 7


def test_an_uninstalled_shop_does_not_begin(runtime: Runtime, shop: Shop) -> None:
    job_table.load()
    with runtime.database.system() as session:
        session.get_one(Shop, shop.id).state = "uninstalled"
    segment_jobs.sweep(runtime)
    with runtime.database.system() as session:
        assert session.get(SegmentShop, shop.id) is None


def test_a_change_while_everybody_is_looked_at_is_refused_and_changes_nothing(town: Town) -> None:
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with town.runtime.database.system() as session:
            session.get(SegmentShop, town.shop.id, with_for_update=True)
            holding.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(20)
    try:
        with pytest.raises(Conflict), town.runtime.database.shop(town.shop.id) as session:
            service.change(session, town.shop.id, 1, query="number_of_orders > 9")
        with town.runtime.database.shop(town.shop.id) as session:
            service.change(session, town.shop.id, 1, name="Newcomers")
    finally:
        done.set()
        thread.join()
    with town.runtime.database.system() as session:
        held = session.get_one(Segment, (town.shop.id, 1))
        assert (held.name, held.query[:19]) == ("Newcomers", "customer_added_date")
