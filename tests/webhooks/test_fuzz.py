"""Whatever is sent: never a 5xx, nothing forged is stored, nothing genuine is lost, and the loop goes on.

A genuine delivery ends as done, ignored or parked under a reader's reason. One that ends as `failed` was let through to
the database by a reader that should have known better, which is a bug as well.
"""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.loyalty.verify import verify
from app.runtime import Runtime
from app.shops.models import Shop
from tests.soak_page import write_section
from tests.webhooks.mutations import Case, case
from webhooks.loop import InboxLoop
from webhooks.topics import table

SENDERS, ROUND = 8, 400
_EVENTS = text("select concat_ws(' ', state, reason) as ended, count(*) as n from inbox_events group by 1")
_WRONG = text("""
select topic, webhook_id, state, error from inbox_events
where state = 'pending' or reason = 'failed' order by id limit 5
""")


class Fuzzer:
    """Sends cases through the door in rounds, and lets the loop drain the inbox after each."""

    def __init__(self, flask_app: Flask, runtime: Runtime) -> None:
        self._flask_app = flask_app
        self._runtime = runtime
        self._loop = InboxLoop(runtime)
        self._topics = [*table(), "products/create"]
        self.answers: Counter[int] = Counter()
        self._genuine: set[str] = set()
        self._forged: set[str] = set()

    def run(self, numbers: range) -> None:
        """All cases with these numbers."""
        for begin in range(numbers.start, numbers.stop, ROUND):
            cases = [case(number, self._topics) for number in range(begin, min(begin + ROUND, numbers.stop))]
            with ThreadPoolExecutor(SENDERS) as threads:
                statuses = list(threads.map(self._send, cases))
            for item, status in zip(cases, statuses, strict=True):
                assert status == (200 if item.genuine else 401), (status, item)
            self.answers.update(statuses)
            for item in cases:
                (self._genuine if item.genuine else self._forged).add(item.webhook_id or "")
            self._loop.drain()

    def _send(self, item: Case) -> int:
        headers = [(name, value.replace("\x00", "%00")) for name, value in item.headers]
        return self._flask_app.test_client().post("/webhooks", data=item.raw, headers=headers).status_code

    def judge(self) -> Counter[str]:
        """Checks the laws; returns how many events ended in which way."""
        with self._runtime.database.system() as session:
            wrong = session.execute(_WRONG).all()
            stored = set(session.execute(text("select webhook_id from inbox_events")).scalars())
            events = session.execute(_EVENTS).all()
        with self._runtime.database.system() as session:
            verdict = verify(session)
        assert wrong == []
        assert self._genuine - {""} <= stored
        assert not (self._forged - {""}) & stored
        assert verdict.disagreements == ()
        assert verdict.entries > 0
        return Counter({row.ended: row.n for row in events})


def fuzz(client: FlaskClient, runtime: Runtime, numbers: range) -> tuple[Fuzzer, Counter[str]]:
    fuzzer = Fuzzer(client.application, runtime)
    fuzzer.run(numbers)
    return fuzzer, fuzzer.judge()


def test_two_thousand_hostile_requests_break_nothing(client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    fuzz(client, runtime, range(1, 2001))


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_two_hundred_thousand_hostile_requests_break_nothing(client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    begun = time.monotonic()
    fuzzer, ends = fuzz(client, runtime, range(1, 200_001))
    listed = "\n".join(f"| {end} | {count:,} |" for end, count in sorted(ends.items()))
    write_section(
        "Hostile requests",
        f"{fuzzer.answers.total():,} requests with mutated bodies of every topic and odd headers in"
        f" {time.monotonic() - begun:.0f} s: {fuzzer.answers[200]:,} genuine ones answered with 200,"
        f" {fuzzer.answers[401]:,} forged ones with 401, no other answer. No forged one was stored, no genuine one was"
        " lost, none ended by an error of ours, `ledger verify` agrees.\n\n| end | events |\n|---|---|\n" + listed,
    )
