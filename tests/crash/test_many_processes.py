"""Several web and worker processes, one PostgreSQL, and what happens to machines: nothing lost, nothing twice."""

import os
import random
import signal
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.config import Settings
from app.loyalty.verify import verify
from app.runtime import Runtime
from tests.crash.fleet import SHOPS, Fleet, Sent, fleet, make_shops, wait_until
from tests.crash.process import FATAL, FROZEN, KILLED
from tests.webhooks.deliveries import START, delivery, order_body, refund_body, send
from tests.webhooks.reading_points import state
from webhooks.loop import InboxLoop

ONE, TWO, THREE = SHOPS.values()


def history(orders: int) -> list[Sent]:
    """Orders that are placed, paid, and some of them refunded, in every shop, each version in a second of its own."""
    sent = []
    for place, shop in enumerate(SHOPS.values(), start=1):
        for n in range(orders):
            number, customer, total = 10_000 * place + n, 100 * place + n % 9, f"{20 + n}.50"
            placed = order_body(number, status="pending", customer_id=customer, total=total)
            paid = order_body(number, at=START + timedelta(seconds=5), customer_id=customer, total=total)
            told = [delivery("orders/create", placed, 1), delivery("orders/paid", paid, 5)]
            if n % 3 == 0:
                told.append(delivery("refunds/create", refund_body(number, number, lines="7.00"), 9))
            sent += [Sent(shop, item) for item in told]
    return sent


def a_paid_order(shop: str, number: int) -> Sent:
    return Sent(shop, delivery("orders/paid", order_body(number, customer_id=number), 20))


def undisturbed(client: FlaskClient, runtime: Runtime, sent: list[Sent]) -> dict[str, list[object]]:
    make_shops(runtime)
    for one in sent:
        assert send(client, one.item, shop=one.shop) == 200
    InboxLoop(runtime).drain()
    return state(runtime)


def struck(running: Fleet, fault: str, shop: str = ONE) -> int:
    """Lets a fault strike a worker in the middle of its work; returns the worker's process id."""
    running.deliver([Sent(shop, delivery(fault, {"id": 1}))])
    noted = running.faults / fault.partition("/")[2]
    wait_until(lambda: noted.exists() and noted.read_text())
    return int(noted.read_text())


def seconds_until_done(running: Fleet, sent: Sent) -> float:
    running.deliver([sent])
    return wait_until(lambda: running.state_of(sent) == "done")


@pytest.mark.timeout(240)
def test_processes_and_database_may_fail_in_turn_and_nothing_is_lost_or_done_twice(
    tmp_path: Path, settings: Settings, client: FlaskClient, runtime: Runtime
) -> None:
    sent = history(40)
    shuffled = [*sent, *sent[::5]]
    random.Random(4).shuffle(shuffled)
    parts = [shuffled[begin::5] for begin in range(5)]
    probes = [a_paid_order(shop, 90_000 + n) for n, shop in enumerate((TWO, THREE, TWO, THREE, TWO))]
    with fleet(tmp_path, settings, webs=2, workers=3) as running:
        running.deliver(parts[0])

        running.deliver(parts[1])
        struck(running, KILLED)
        waited = {"killed": seconds_until_done(running, probes[0])}

        frozen = struck(running, FROZEN)
        waited["frozen, elsewhere"] = seconds_until_done(running, probes[1])
        waited["frozen, same partition"] = seconds_until_done(running, probes[2])

        sending = threading.Thread(target=running.deliver, args=(parts[2],))
        sending.start()
        for _ in range(5):
            running.cut_connections()
        sending.join()
        waited["cut"] = seconds_until_done(running, probes[3])

        sending = threading.Thread(target=running.deliver, args=(parts[3],))
        sending.start()
        running.restart_database()
        waited["restarted"] = seconds_until_done(running, probes[4])
        sending.join()

        os.kill(frozen, signal.SIGCONT)
        running.deliver(parts[4])
        wait_until(lambda: running.unfinished() == 0)
        assert {what: seconds for what, seconds in waited.items() if seconds > 5} == {}
        assert [worker.poll() for worker in running.workers].count(None) == 2
        assert ended(running) == [("done", len(sent) + len(probes) + 2)]
        with running.runtime.database.system() as session:
            assert verify(session).agrees
        disturbed = state(running.runtime)
    assert disturbed == undisturbed(client, runtime, [*sent, *probes])


def ended(running: Fleet) -> list[tuple[str, int]]:
    query = text("select concat_ws(' ', state, reason) as end, count(*) from inbox_events group by 1 order by 1")
    with running.runtime.database.system() as session:
        return [(row[0], row[1]) for row in session.execute(query)]


@pytest.mark.timeout(180)
def test_an_event_that_ends_every_worker_is_parked_and_its_neighbours_are_handled(
    tmp_path: Path, settings: Settings
) -> None:
    with fleet(tmp_path, settings, webs=1, workers=0) as running:
        orders = [a_paid_order(ONE, number) for number in range(1, 41)]
        fatal = Sent(ONE, delivery(FATAL, {"id": 1}))
        running.deliver([*orders[:20], fatal, *orders[20:]])
        deaths = 0
        while running.unfinished():
            running.start_worker()
            wait_until(lambda: running.workers[-1].poll() is not None or not running.unfinished())
            deaths += running.workers[-1].poll() is not None
        assert deaths == 5
        assert ended(running) == [("done", 40), ("parked fatal", 1)]
