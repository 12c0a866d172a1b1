"""How deliveries are written: one statement for all, on a connection that the door has for itself.

It is not one of the pool, so that slow pages cannot keep a webhook waiting, and it is asynchronous, so that waiting for
a commit costs no thread. Called by `webhooks.inbox` alone, one statement at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import psycopg
from psycopg.conninfo import make_conninfo

from app.db import Database
from app.postgres import conninfo
from webhooks.headers import Delivery
from webhooks.models import PARTITIONS
from webhooks.topics import lane_of

CHANNEL = "perennial_inbox"
# A database that went away without a word (a network that was cut) is noticed after these seconds.
_SILENCE = 10
_PATIENCE = {
    "connect_timeout": 4,
    "tcp_user_timeout": 1_000 * _SILENCE,
    "keepalives_idle": _SILENCE // 2,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


class Outcome(Enum):
    """What became of a delivery at the door."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    UNKNOWN_SHOP = "unknown_shop"


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery with its sealed body."""

    delivery: Delivery
    sealed: bytes


# Whether the shop is known is decided in here, so that a shop installed a moment ago is never turned away. Rows are
# sorted, or two processes could wait for each other. The loops are woken by the commit itself.
_INSERT = """
with delivery as (
    select d.*, s.id as shop_id
    from unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::smallint[],
                %b::timestamptz[], %b::timestamptz[], %b::bytea[]) with ordinality
        as d(domain, topic, webhook_id, event_id, api_version, lane, triggered_at, received_at, body, n)
    -- A shop that was erased on request (its code key is gone with it) is a stranger again.
    left join shops s on s.domain = d.domain and s.code_key <> ''
), stored as (
    insert into inbox_events (shop_id, partition, lane, topic, webhook_id, event_id, api_version, triggered_at,
                              received_at, state, body)
    select shop_id, shop_id %% %b, lane, topic, webhook_id, event_id, api_version, triggered_at, received_at,
           'pending', body
    from delivery where shop_id is not null order by shop_id, topic, webhook_id, n
    on conflict (shop_id, topic, webhook_id) do nothing
    returning shop_id, topic, webhook_id
)
select d.shop_id is not null, s.shop_id is not null, (select pg_notify(%b, ''))
from delivery d left join stored s using (shop_id, topic, webhook_id) order by d.n
"""

_OUTCOMES = {
    (True, True): Outcome.STORED,
    (True, False): Outcome.DUPLICATE,
    (False, False): Outcome.UNKNOWN_SHOP,
}


class Store:
    """The door's own connection, opened by need and again after a loss."""

    def __init__(self, database: Database) -> None:
        self._address = make_conninfo(conninfo(database.engine.url), **_PATIENCE)
        self._connection: psycopg.AsyncConnection | None = None

    async def insert(self, rows: Sequence[Row]) -> list[Outcome]:
        """All rows or none; raises psycopg.Error."""
        parameters = [*_columns(rows), PARTITIONS, CHANNEL]
        kept = self._connection
        if kept is not None and not kept.closed:
            try:
                return await _execute(kept, parameters)
            except psycopg.OperationalError:
                if not kept.closed:
                    raise
                # The connection was lost, perhaps long ago, and the statement with it, or only its answer: done
                # again it finds its rows there and calls them duplicates.
        return await _execute(await self._connect(), parameters)

    async def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self) -> psycopg.AsyncConnection:
        await self.close()
        self._connection = await psycopg.AsyncConnection.connect(
            self._address, autocommit=True, prepare_threshold=0, application_name="perennial door"
        )
        return self._connection


async def _execute(connection: psycopg.AsyncConnection, parameters: Sequence[object]) -> list[Outcome]:
    cursor = connection.cursor(binary=True)
    await cursor.execute(_INSERT, parameters)
    return [_OUTCOMES[known, stored] for known, stored, _ in await cursor.fetchall()]


def _columns(rows: Sequence[Row]) -> list[list[object]]:
    deliveries = [row.delivery for row in rows]
    return [
        [d.shop_domain for d in deliveries],
        [d.topic for d in deliveries],
        [d.webhook_id for d in deliveries],
        [d.event_id for d in deliveries],
        [d.api_version for d in deliveries],
        [lane_of(d.topic) for d in deliveries],
        [d.triggered_at for d in deliveries],
        [d.received_at for d in deliveries],
        [row.sealed for row in rows],
    ]
