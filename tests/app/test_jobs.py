"""Jobs exist if and only if their transaction commits, run by a real worker, and survive the worker that had them."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import jobs, worker
from app.postgres import conninfo
from app.runtime import Runtime
from app.shops.models import Shop

ran: list[dict[str, Any]] = []


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    @jobs.job("tests.note")
    def note(runtime: Runtime, **args: Any) -> None:
        ran.append(args)
        if args.get("fail"):
            raise RuntimeError("on purpose")

    ran.clear()
    yield
    del jobs._registry["tests.note"]


def waiting(runtime: Runtime) -> list[Any]:
    with runtime.database.system() as session:
        return list(session.execute(text("select args, status, scheduled_at, queueing_lock from procrastinate_jobs")))


def test_a_job_of_a_rolled_back_transaction_does_not_exist(runtime: Runtime, shop: Shop) -> None:
    with pytest.raises(ZeroDivisionError), runtime.database.shop(shop.id) as session:
        jobs.enqueue(session, "tests.note", {"shop_id": shop.id})
        raise ZeroDivisionError
    assert waiting(runtime) == []


def test_a_session_behind_the_wall_can_plan_a_job(runtime: Runtime, shop: Shop) -> None:
    with runtime.database.shop(shop.id) as session:
        jobs.enqueue(session, "tests.note", {"shop_id": shop.id})
    assert jobs.drain(runtime) == 1
    assert ran == [{"shop_id": shop.id}]


def test_a_second_job_under_one_queueing_lock_joins_the_first_and_aborts_nothing(runtime: Runtime, shop: Shop) -> None:
    for _ in range(2):
        with runtime.database.shop(shop.id) as session:
            jobs.enqueue(session, "tests.note", {"shop_id": shop.id}, queueing_lock="note")
            jobs.enqueue(session, "tests.note", {"shop_id": shop.id}, queueing_lock="note")
    assert len(waiting(runtime)) == 1


def test_a_failed_job_is_planned_anew_for_later(runtime: Runtime) -> None:
    with runtime.database.system() as session:
        jobs.enqueue(session, "tests.note", {"fail": 1})
    assert jobs.drain(runtime) == 1
    (job,) = waiting(runtime)
    assert job.args == {"fail": 1, "attempt_": 1}
    assert job.scheduled_at is not None


def test_the_jobs_of_a_lost_worker_are_put_back_and_one_waiting_for_the_same_is_enough(runtime: Runtime) -> None:
    with runtime.database.system() as session:
        jobs.enqueue(session, "tests.note", {"n": 1}, queueing_lock="same")
        jobs.enqueue(session, "tests.note", {"n": 2})
        session.execute(text("update procrastinate_jobs set status = 'doing'"))
        jobs.enqueue(session, "tests.note", {"n": 3}, queueing_lock="same")
    with runtime.database.system() as session:
        assert jobs.rescue_lost(session) == 1
    assert sorted(job.args["n"] for job in waiting(runtime)) == [2, 3]
    assert {job.status for job in waiting(runtime)} == {"todo"}


@pytest.mark.parametrize("waking", [jobs.rescue_lost, lambda session: jobs.hurry(session, 1)], ids=["lost", "hurried"])
def test_workers_can_read_the_news_that_there_is_work(runtime: Runtime, waking: Callable[[Session], object]) -> None:
    """Procrastinate's listener ends its worker over a message without a type."""
    address = conninfo(runtime.database.engine.url)
    with psycopg.connect(address, autocommit=True) as listener:
        with runtime.database.system() as session:
            jobs.enqueue(session, "tests.note", {"n": 1})
            session.execute(text("update procrastinate_jobs set status = 'doing'"))
        listener.execute(f"listen {jobs.CHANNEL}")
        with runtime.database.system() as session:
            waking(session)
        [news] = [json.loads(heard.payload) for heard in listener.notifies(timeout=5, stop_after=1)]
    assert news["type"] == "job_inserted"


def test_two_lost_jobs_under_one_queueing_lock_are_put_back_as_one(runtime: Runtime) -> None:
    with runtime.database.system() as session:
        for n in (1, 2):  # the second was planned, and begun, while the first was running
            jobs.enqueue(session, "tests.note", {"n": n}, queueing_lock="same")
            session.execute(text("update procrastinate_jobs set status = 'doing'"))
    with runtime.database.system() as session:
        assert jobs.rescue_lost(session) == 1
    assert [(job.args["n"], job.status) for job in waiting(runtime)] == [(2, "todo")]


def test_a_living_workers_job_is_left_to_it(runtime: Runtime) -> None:
    with runtime.database.system() as session:
        jobs.enqueue(session, "tests.note", {"n": 1})
        number = session.scalar(text("select procrastinate_register_worker_v1()"))
        session.execute(text("update procrastinate_jobs set status = 'doing', worker_id = :w"), {"w": number})
    with runtime.database.system() as session:
        assert jobs.rescue_lost(session) == 0


def test_a_real_worker_runs_what_was_planned_and_stops_when_told(runtime: Runtime) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=worker._run_jobs, args=(runtime, stop))
    thread.start()
    with runtime.database.system() as session:
        jobs.enqueue(session, "tests.note", {"n": 1})
    for _ in range(200):
        if ran and not waiting(runtime):
            break
        stop.wait(0.05)
    stop.set()
    thread.join(20)
    assert ran == [{"n": 1}]
    assert waiting(runtime) == []
    assert not thread.is_alive()
