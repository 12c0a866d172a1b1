"""The leaky bucket of cost points that Shopify keeps for each shop, reckoned once for all our processes.

`client` reserves a call's cost before it is sent and settles it with what the answer said. Reservations are made on one
row under its lock, so that any number of workers queue up for the points instead of racing for them: whoever would
overdraw the bucket is told how long to wait for a turn of its own. What must stay true: we never believe to have more
than Shopify has. An estimate that is too low costs nothing, because points come back at the same rate wherever it
stands; a worker that dies with a reservation therefore does no harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from app import clock
from app.runtime import Runtime

_SHORTEST_WAIT = 1.0
# What is believed of a bucket before the first answer: half of the smallest plan's.
_FIRST_LEVEL = 1000.0
_UNKNOWN_RATE = 50.0  # below the slowest plan's 100 points a second
# Never wait longer than this because of an answer: the largest bucket fills in about 20 s.
_LONGEST_WAIT = 60.0
# A second's points stay in the bucket: calls that arrive in another order than they were reserved must find theirs.
_SPARE_SECONDS = 1.0


@dataclass(frozen=True)
class Cost:
    """What an answer says of its cost, in points. Figures Shopify left out are None."""

    requested: float | None
    actual: float | None
    available: float | None
    per_second: float | None
    maximum: float | None = None

    def wait(self) -> float:
        """Seconds until the refused request can be afforded, at least one."""
        lacking = (self.requested or 0.0) - (self.available or 0.0)
        return min(max(lacking / (self.per_second or _UNKNOWN_RATE), _SHORTEST_WAIT), _LONGEST_WAIT)


def cost_of(document: Mapping[str, Any]) -> Cost:
    """`extensions.cost` of an answer; all unknown when it is missing."""
    extensions = document.get("extensions")
    cost = extensions.get("cost") if isinstance(extensions, dict) else None
    cost = cost if isinstance(cost, dict) else {}
    status = cost.get("throttleStatus")
    status = status if isinstance(status, dict) else {}
    return Cost(
        requested=_number(cost.get("requestedQueryCost")),
        actual=_number(cost.get("actualQueryCost")),
        available=_number(status.get("currentlyAvailable")),
        per_second=_number(status.get("restoreRate")),
        maximum=_number(status.get("maximumAvailable")),
    )


# The level now is what was there, filled since then up to the brim.
_LEVEL = "least(b.maximum, b.points + b.per_second * greatest(extract(epoch from cast(:now as timestamptz) - b.at), 0))"
_RESERVE = text(f"""
insert into api_buckets as b (shop_id, points, at, per_second, maximum)
values (:shop_id, :first - :points, :now, :rate, :first)
on conflict (shop_id) do update set points = {_LEVEL} - :points, at = greatest(b.at, excluded.at)
returning greatest(0, (least(b.per_second * :spare, b.maximum - :points) - b.points) / b.per_second) as wait
""")  # noqa: S608 - an expression of our own
_GIVE_BACK = text(f"""
update api_buckets b set points = {_LEVEL} + :points, at = greatest(b.at, :now) where shop_id = :shop_id
""")  # noqa: S608 - an expression of our own
_SETTLE = text(f"""
update api_buckets b
set points = least({_LEVEL} + :points, :available), at = greatest(b.at, :now), per_second = :rate, maximum = :maximum
where shop_id = :shop_id
""")  # noqa: S608 - an expression of our own


def reserve(runtime: Runtime, shop_id: int, points: float, *, patience: float) -> float:
    """Take a call's points; returns the seconds until they are there. Opens a session.

    Where that is longer than `patience` nothing is taken, and the caller should come back after that time.
    """
    now = clock.wall_now()
    known = {"shop_id": shop_id, "points": points, "now": now}
    with runtime.database.shop(shop_id) as session:
        guess = {"first": _FIRST_LEVEL, "rate": _UNKNOWN_RATE, "spare": _SPARE_SECONDS}
        wait = float(session.execute(_RESERVE, known | guess).scalar_one())
        if wait > patience:
            session.execute(_GIVE_BACK, known)
    return wait


def give_back(runtime: Runtime, shop_id: int, reserved: float) -> None:
    """Put back the points of a call of which we hear no cost: it did not run, or the next answer says what is left."""
    with runtime.database.shop(shop_id) as session:
        session.execute(_GIVE_BACK, {"shop_id": shop_id, "points": reserved, "now": clock.wall_now()})


def settle(runtime: Runtime, shop_id: int, reserved: float, cost: Cost) -> bool:
    """Put back what the call did not use, and believe Shopify where it says that less is there than we thought.

    False for an answer without figures, which changes nothing. Opens a session.
    """
    if cost.available is None or not cost.per_second:
        return False
    used = cost.actual if cost.actual is not None else 0.0
    figures = {"available": cost.available, "rate": cost.per_second, "maximum": cost.maximum or _FIRST_LEVEL}
    with runtime.database.shop(shop_id) as session:
        unused = {"shop_id": shop_id, "points": reserved - used, "now": clock.wall_now()}
        session.execute(_SETTLE, unused | figures)
    return True


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
