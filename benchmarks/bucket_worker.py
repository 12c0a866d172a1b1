"""A worker of benchmarks.cost_bucket: asks a shop as fast as it may and counts what it got, in a window of time.

Started as `python -m benchmarks.bucket_worker RESULT SHOP_ID FROM UNTIL alone|shared CUSTOMER ORDER`, FROM and UNTIL in
seconds since 1970. `shared` is our client; `alone` is the rival: it knows no bucket, but waits after THROTTLED for as
long as the answer says.
"""

import json
import os
import random
import sys
import time
from pathlib import Path

from app import clock, logs, metrics
from app.config import load_settings
from app.runtime import Runtime, build_runtime
from app.shopify import graphql, operations
from app.shopify.answers import read
from app.shopify.buckets import cost_of
from app.shopify.client import client_for
from app.shopify.errors import Throttled
from app.shops import tokens

# Cheap and dear ones, as a worker has them: priced before they run at 1, about 20 and hundreds of points.
ASKED = ("ShopInfo", "CustomerReread", "OrderReread")
PATIENCE = 600.0


class Counts:
    """Calls, points and refusals between two instants."""

    def __init__(self, begins: float, ends: float) -> None:
        self.begins, self.ends = begins, ends
        self.calls = self.points = self.throttled = 0.0

    def add(self, *, calls: float = 0, points: float = 0, throttled: float = 0) -> None:
        if self.begins <= now() <= self.ends:
            self.calls += calls
            self.points += points
            self.throttled += throttled


def now() -> float:
    """The machine's time in seconds since 1970."""
    return clock.wall_now().timestamp()


def main(arguments: list[str]) -> None:
    """Work until the window is over, then write the counts."""
    result, shop_id, begins, ends, how, customer, order = arguments
    variables: dict[str, dict[str, str]] = {
        "ShopInfo": {},
        "CustomerReread": {"id": customer},
        "OrderReread": {"id": order},
    }
    logs.configure(process="bucket worker")
    runtime = build_runtime(load_settings(os.environ), pool_size=2, application_name="bucket worker")
    counts = Counts(float(begins), float(ends))
    dice = random.Random(os.getpid())
    ask = shared if how == "shared" else alone
    while now() < counts.ends:
        operation = dice.choice(ASKED)
        ask(runtime, int(shop_id), operation, variables[operation], counts)
    Path(result).write_text(json.dumps({"calls": counts.calls, "points": counts.points, "throttled": counts.throttled}))
    runtime.database.dispose()


def shared(runtime: Runtime, shop_id: int, operation: str, variables: dict[str, str], counts: Counts) -> None:
    """Through the client, whose own counters say what Shopify counted."""
    points, throttled = (
        counter.labels(operation)._value for counter in (metrics.shopify_points, metrics.shopify_throttled)
    )
    before = points.get(), throttled.get()
    client_for(runtime, shop_id, patience=PATIENCE).execute(operation, variables)
    counts.add(calls=1, points=points.get() - before[0], throttled=throttled.get() - before[1])


def alone(runtime: Runtime, shop_id: int, operation: str, variables: dict[str, str], counts: Counts) -> None:
    """Without a bucket of our own."""
    access, document = tokens.access(runtime, shop_id), operations.load(operation)
    while now() < counts.ends:
        answer = graphql.request(runtime.settings, access.domain, access.token, document, variables)
        cost = cost_of(answer)
        try:
            read(answer, cost, changes=False)
        except Throttled as error:
            counts.add(throttled=1)
            time.sleep(error.wait)
        else:
            counts.add(calls=1, points=cost.actual or 0)
            return


if __name__ == "__main__":
    main(sys.argv[1:])
