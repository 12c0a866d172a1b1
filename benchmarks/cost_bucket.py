"""Claim: 8 workers on one shop of the standard plan use ≥ 90 % of its points, and nothing is THROTTLED once they go.

The shop is one of the development store, whose bucket is Shopify's: 2,000 points, 100 a second. Eight processes ask as
fast as they may, for cheap and for dear things. What the bucket held in the beginning is used up first; then, for some
time, the points that Shopify counted are compared with those that it gave. The rival, in the same run on a shop of its
own: eight workers that know no bucket and wait, after THROTTLED, for as long as the answer tells them to.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests

from app import clock
from app.demo.processes import free_port
from app.shopify import oauth
from app.shops import queries, tokens
from benchmarks.processor import Watch
from benchmarks.report import Figure, Wanted, conclude, table
from benchmarks.world import ROOT, World

RATE, FULL = 100, 2_000
WANTED = {"throttled": Wanted(at_most=0), "share_of_points": Wanted(at_least=0.9)}


@dataclass(frozen=True)
class Seen:
    """What all workers together counted in the window."""

    calls: float
    points: float
    throttled: float
    seconds: float

    @property
    def share(self) -> float:
        """Of the points that Shopify gave back in that time."""
        return self.points / (RATE * self.seconds)


def main(arguments: Sequence[str]) -> int:
    """Measure both; exit code 0 when the claim holds."""
    wanted = parse(arguments)
    with World("bucket", shops=2) as world:
        return run(world, wanted)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost_bucket", description=__doc__)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0, help="the window that is judged")
    parser.add_argument(
        "--settle", type=float, default=25.0, help="until all have started and the full bucket is empty"
    )
    parser.add_argument("--without-rival", action="store_true")
    return parser.parse_args(arguments)


def run(world: World, wanted: argparse.Namespace) -> int:
    """Ours first, then the rival, each on a full bucket."""
    origin = _store(world)
    things = [_connect(world, origin, domain) for domain in world.domains[:2]]
    with Watch({"PostgreSQL": world.postmaster}) as watch:
        ours = _measure(world, wanted, world.domains[0], "shared", things[0])
    seen = {"shared": ours}
    if not wanted.without_rival:
        seen["alone"] = _measure(world, wanted, world.domains[1], "alone", things[1])
    rows: list[list[Figure]] = [
        [how, s.calls / s.seconds, s.points / s.seconds, s.share, s.throttled] for how, s in seen.items()
    ]
    table(["bucket", "calls/s", "points/s", "share of points", "throttled"], rows)
    figures: dict[str, Figure] = {
        "workers": wanted.workers,
        "seconds": wanted.seconds,
        "throttled": int(ours.throttled),
        "share_of_points": round(ours.share, 4),
        "calls_a_second": round(ours.calls / ours.seconds, 2),
    }
    if "alone" in seen:
        figures |= {"rival_throttled": int(seen["alone"].throttled), "rival_share": round(seen["alone"].share, 4)}
    return conclude("cost_bucket", figures, WANTED, f"Shopify's {RATE} points a second; {watch.use.sentence()}")


def _store(world: World) -> str:
    """A development store of this world; returns its address."""
    port = free_port(0)
    origin = f"http://127.0.0.1:{port}"
    world.environ["PERENNIAL_SHOPIFY_ORIGIN"] = origin + "/{shop}"
    home = world.home / "dev-store"
    config = ["--app-config", str(ROOT / "shopify.app.toml")]
    world.start("dev-store", ["-m", "dev_store", "--home", str(home), "--port", str(port), *config])
    for _ in range(600):
        try:
            requests.put(f"{origin}/_dev/delivery", json={"paused": True}, timeout=5).raise_for_status()
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return origin
    raise TimeoutError("the development store did not start")


def _connect(world: World, origin: str, domain: str) -> list[str]:
    """A shop with tokens, a customer and an order of several lines; returns their global ids."""
    _post(f"{origin}/_dev/shops", domain=domain, name="Benchmark")
    id_token = _post(f"{origin}/_dev/shops/{domain}/id-token")["id_token"]
    settings = replace(world.runtime.settings, shopify_origin=origin + "/{shop}")
    granted = oauth.exchange_id_token(settings, domain, id_token)
    with world.runtime.database.system() as session:
        shop = queries.shop_by_domain(session, domain)
        assert shop is not None
        tokens.store(world.runtime.keyring, shop, granted)
    customer = _post(f"{origin}/_dev/shops/{domain}/create_customer", email="ada@shop.example")["result"]
    lines = [{"title": f"Tea {n}", "quantity": 1, "price": "5.00"} for n in range(5)]
    order = _post(f"{origin}/_dev/shops/{domain}/place_order", customer_id=customer, lines=lines)["result"]
    return [f"gid://shopify/Customer/{customer}", f"gid://shopify/Order/{order}"]


def _post(url: str, **body: Any) -> Any:
    answer = requests.post(url, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


def _measure(world: World, wanted: argparse.Namespace, domain: str, how: str, things: list[str]) -> Seen:
    begins = clock.wall_now().timestamp() + wanted.settle
    ends = begins + wanted.seconds
    results = [world.home / f"{how}-{n}.json" for n in range(wanted.workers)]
    told = [str(world.shop_ids[domain]), str(begins), str(ends), how, *things]
    workers = [
        world.start(f"{how}-{n}", ["-m", "benchmarks.bucket_worker", str(path), *told])
        for n, path in enumerate(results)
    ]
    for worker in workers:
        worker.process.wait(wanted.settle + wanted.seconds + 120)
    counted = [_read(path) for path in results]
    sums = {name: sum(one[name] for one in counted) for name in ("calls", "points", "throttled")}
    return Seen(seconds=wanted.seconds, **sums)


def _read(path: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads(path.read_text())
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
