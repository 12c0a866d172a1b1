"""The leaky bucket of cost points that Shopify keeps for each shop, as far as we know it.

`client` asks how long to wait before a call and reports what each answer said. The last level seen lies on the shop's
row, so that web and worker processes spare one bucket; Shopify's own answer is always what counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app import clock
from app.runtime import Runtime
from app.shops import queries
from app.shops.models import Shop

_SHORTEST_WAIT = 1.0
_UNKNOWN_RATE = 50.0  # below the slowest plan's 100 points a second
# Never wait longer than this for a bucket: the largest one fills in about 20 s.
_LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class Cost:
    """What an answer says of its cost, in points. Figures Shopify left out are None."""

    requested: float | None
    available: float | None
    per_second: float | None

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
        available=_number(status.get("currentlyAvailable")),
        per_second=_number(status.get("restoreRate")),
    )


def wait_before(shop: Shop, expected: float) -> float:
    """Seconds to wait until the bucket, as last seen and filled since, holds the expected cost."""
    if shop.api_points is None or shop.api_points_at is None or not shop.api_points_per_second:
        return 0.0
    since = max((clock.wall_now() - shop.api_points_at).total_seconds(), 0.0)
    lacking = expected - (shop.api_points + since * shop.api_points_per_second)
    return min(max(lacking / shop.api_points_per_second, 0.0), _LONGEST_WAIT)


def remember(runtime: Runtime, shop_id: int, cost: Cost, seen_at: datetime) -> None:
    """Keep the level an answer told, unless a later one is known already."""
    if cost.available is None or not cost.per_second:
        return
    with runtime.database.shop(shop_id) as session:
        shop = queries.shop(session, shop_id)
        if shop.api_points_at is None or shop.api_points_at <= seen_at:
            shop.api_points, shop.api_points_at, shop.api_points_per_second = cost.available, seen_at, cost.per_second


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
