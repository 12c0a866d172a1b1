"""Which partitions a loop locks for a transaction: as many as fill a batch, and none that is suspected of anything."""

from collections.abc import Sequence

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.runtime import Runtime
from app.shops.models import Shop
from tests.webhooks.deliveries import delivery, order_body, send
from tests.webhooks.reading_points import balance
from webhooks.claim import begin_turns, claim, end_turns
from webhooks.loop import InboxLoop


@pytest.fixture
def waiting(client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    """Two events in each of the partitions 10, 11, 12 and 40."""
    for number in range(1, 9):
        assert send(client, delivery("orders/create", order_body(number, total="10.00"))) == 200
    run(runtime, "update inbox_events set partition = (array[10, 11, 12, 40])[1 + id % 4]")


def run(runtime: Runtime, statement: str) -> None:
    with runtime.database.system() as session:
        session.execute(text(statement))


def locked(runtime: Runtime, offset: int = 0, batch: int = 500) -> list[int]:
    with runtime.database.system() as session:
        turns = begin_turns(session, offset, batch)
        assert len(claim(session, [turn.partition for turn in turns], batch)) == min(batch, 2 * len(turns))
        end_turns(session, turns)
    return sorted(turn.partition for turn in turns)


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(
    ("batch", "taken"), [(500, [10, 11, 12, 40]), (8, [10, 11, 12, 40]), (6, [10, 11, 12]), (3, [10, 11]), (2, [10])]
)
def test_a_turn_takes_as_many_partitions_as_fill_a_batch(runtime: Runtime, batch: int, taken: Sequence[int]) -> None:
    assert locked(runtime, batch=batch) == taken


@pytest.mark.usefixtures("waiting")
def test_loops_begin_at_different_partitions(runtime: Runtime) -> None:
    assert {tuple(locked(runtime, offset, batch=2)) for offset in range(64)} == {(10,), (11,), (12,), (40,)}


@pytest.mark.usefixtures("waiting")
def test_partitions_in_other_hands_are_left_alone(runtime: Runtime) -> None:
    with runtime.database.system() as other:
        other.execute(text("select from inbox_partitions where id in (10, 12) for update"))
        assert locked(runtime) == [11, 40]


@pytest.mark.usefixtures("waiting")
def test_a_partition_that_follows_a_death_has_a_turn_of_its_own(runtime: Runtime) -> None:
    run(runtime, "select nextval('inbox_starts_11')")
    assert locked(runtime) == [10, 12, 40]
    assert locked(runtime, offset=64 - 11) == [11]


@pytest.mark.usefixtures("waiting")
def test_suspected_events_have_no_company_of_other_partitions(runtime: Runtime) -> None:
    run(runtime, "update inbox_events set deaths = 1 where partition = 12")
    assert locked(runtime) == [10, 11, 40]
    assert locked(runtime, offset=64 - 12) == [12]


@pytest.mark.usefixtures("waiting")
def test_a_death_in_one_partition_counts_against_its_own_events_only(runtime: Runtime) -> None:
    run(runtime, "select nextval('inbox_starts_11')")
    loop = InboxLoop(runtime)
    loop.drain()
    with runtime.database.system() as session:
        found = session.execute(text("select partition, sum(deaths) from inbox_events group by 1 order by 1"))
        assert [tuple(row) for row in found] == [(10, 0), (11, 2), (12, 0), (40, 0)]
    assert balance(runtime, 7) == 80
