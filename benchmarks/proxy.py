"""Claims: a sign-up is answered within 60 ms (p95) at 300 a second, and 64 attempts at once with variants of one
address get one code.

A sign-up is everything that belongs to it, durable, through the storefront's door with Shopify's signature. Requests
come when they are due and not when the door is ready, and their waiting begins when they are due. All of them go to one
shop, which is the harder case: its sign-ups make accounts one after the other. In the same run the door answers with no
database behind it. No worker runs, so that consents are planned and not told.
"""

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import job_table
from app.demo.processes import Child
from app.discounts.pools.service import Offer
from app.popups import service
from app.popups.models import Popup
from benchmarks.load import Answers, Connection, Generator, Load
from benchmarks.processor import Use, Watch
from benchmarks.report import Figure, Wanted, conclude, percentile, table
from benchmarks.world import SECRET, World
from dev_store.storefront.proxy import sign

WANTED = {"sign_up_p95_ms": Wanted(at_most=60), "codes_for_one_mailbox": Wanted(at_most=1)}
_WORDS = {"title": "Before you go", "consent": "I agree to receive offers by e-mail."}
_DEFINITION = {"trigger": {"exit": True}, "texts": {"en": _WORDS}}
_CODES = text("""
insert into pool_codes (shop_id, code, pool_id, state)
select :shop, 'BENCH-' || lpad(n::text, 7, '0'), :pool, 'free' from generate_series(1, :codes) n
""")


@dataclass(frozen=True)
class Round:
    """What one load showed."""

    answers: Answers
    use: Use

    def p(self, share: float) -> float:
        """Milliseconds."""
        return 1_000 * percentile(self.answers.latencies, share)


class Visitors:
    """Requests as Shopify's proxy passes them on, each of a visitor with an address of its own."""

    def __init__(self, domain: str, popup: Popup) -> None:
        self._domain, self._popup = domain, popup
        self._number = 0

    def request(self, email: str = "") -> bytes:
        """A sign-up, by somebody new unless an address is given."""
        self._number += 1
        body = orjson.dumps(
            {
                "popup": self._popup.id,
                "email": email or f"visitor{self._number}@example.com",
                "company": "",
                "consent": self._popup.definition["texts"]["en"]["consent_version"],
                "language": "en",
                "page": "product",
                "how": "exit",
                "ref": None,
            }
        )
        pairs = [
            ("shop", self._domain),
            ("path_prefix", "/apps/perennial"),
            ("timestamp", str(int(time.time()))),
            ("logged_in_customer_id", ""),
        ]
        query = "&".join(f"{key}={value}" for key, value in [*pairs, ("signature", sign(pairs, SECRET))])
        address = f"10.{self._number >> 16 & 255}.{self._number >> 8 & 255}.{self._number & 255}"
        head = (
            f"POST /proxy/sign-up?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-Forwarded-For: {address}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def main() -> int:
    """Measure in a world of its own, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    with World("proxy", shops=1) as world:
        return run(world, sizes)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--warm-up", type=int, default=200, help="sign-ups before anything is measured")
    parser.add_argument("--alone", type=int, default=50, help="sign-ups one after the other")
    parser.add_argument("--at-once", type=int, default=64, help="attempts with variants of one address")
    return parser.parse_args(arguments)


def run(world: World, sizes: argparse.Namespace) -> int:
    """Measure in this world."""
    job_table.load()
    [(domain, shop_id)] = list(world.shop_ids.items())[:1]
    with world.runtime.database.shop(shop_id) as session:
        popup = _popup(session, shop_id, codes=int(sizes.rate * sizes.seconds) + 1_000)
    visitors = Visitors(domain, popup)
    child, port = world.web()
    stage = Stage(world, child, port, visitors)
    stage.strike(Load(port, [], connections=8), sizes.warm_up)
    alone = stage.strike(Load(port, [], connections=1), sizes.alone)
    crowd = stage.strike(Load(port, [], connections=sizes.connections, rate=sizes.rate), _number(sizes))
    codes = _at_once(port, visitors, sizes.at_once)
    lost = abs(sizes.warm_up + sizes.alone + crowd.answers.statuses[200] + 1 - _kept(world))
    world.stop(child)
    child, port = world.web("benchmarks.proxy_without_database")
    stage = Stage(world, child, port, visitors)
    stage.strike(Load(port, [], connections=8), sizes.warm_up)
    door = stage.strike(Load(port, [], connections=sizes.connections, rate=sizes.rate), _number(sizes))
    world.stop(child)
    return report(alone, crowd, door, codes, lost)


@dataclass(frozen=True)
class Stage:
    """A web process and who knocks at it."""

    world: World
    child: Child
    port: int
    visitors: Visitors

    def strike(self, load: Load, count: int) -> Round:
        """Send so many new visitors' sign-ups in the way of `load`."""
        requests = [self.visitors.request() for _ in range(count)]
        generator = Generator(replace(load, requests=requests))
        with Watch({"web": self.child.process.pid, "PostgreSQL": self.world.postmaster}) as watch:
            answers = generator.answers()
            watch.told("load generator", answers.processor_seconds)
        return Round(answers, watch.use)


def _number(sizes: argparse.Namespace) -> int:
    return int(sizes.rate * sizes.seconds)


def _popup(session: Session, shop_id: int, codes: int) -> Popup:
    """An active popup with codes for everybody, as if Shopify had made them."""
    offer = Offer(title="Welcome", kind="amount_off", value=500, currency="USD", target=1, low=0)
    popup = service.create(session, shop_id, name="Exit", definition=_DEFINITION, offer=offer)
    service.change(session, shop_id, popup.id, active=True)
    session.execute(_CODES, {"shop": shop_id, "pool": popup.pool_id, "codes": codes})
    session.execute(text("update code_pools set state = 'ready', due_at = null"))
    session.expunge(popup)
    return popup


def _at_once(port: int, visitors: Visitors, attempts: int) -> set[str]:
    """The answers to attempts that start together, each with another variant of one address."""
    start, said = threading.Barrier(attempts), list[bytes]()

    def attempt(number: int) -> None:
        connection = Connection(port)
        dots = "b" + "." * (number % 2) + "ea"
        request = visitors.request(f"{dots}+{number}@{'googlemail' if number % 3 else 'gmail'}.com")
        start.wait()
        status, body = connection.exchange(request)
        said.append(body if status == 200 else b'{"code": "%d"}' % status)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(attempts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {orjson.loads(body).get("code", "none") for body in said}


def _kept(world: World) -> int:
    """Sign-ups that are there with an account, a receipt and a code that nobody else has."""
    with world.runtime.database.system() as session:
        return int(
            session.scalar(
                text("""select count(distinct s.code) from sign_ups s join consent_receipts r on r.shop_id = s.shop_id
                        and r.account_id = s.account_id and r.address = s.email""")
            )
            or 0
        )


def report(alone: Round, crowd: Round, door: Round, codes: set[str], lost: int) -> int:
    """Print the table and the JSON line."""
    rows: list[tuple[Figure, ...]] = [
        (name, len(one.answers.latencies), *(one.p(share) for share in (0.5, 0.95, 0.99, 1)), one.answers.per_second)
        for name, one in (
            ("sign-up, one after the other, ms", alone),
            ("sign-up, as many as there are, ms", crowd),
            ("the door with nothing behind it, ms", door),
        )
    ]
    table(("", "of", "p50", "p95", "p99", "slowest", "a second"), rows)
    figures: dict[str, Figure] = {
        "sign_up_p95_ms": round(crowd.p(0.95), 1),
        "sign_up_p99_ms": round(crowd.p(0.99), 1),
        "sign_ups_per_second": round(crowd.answers.per_second),
        "codes_for_one_mailbox": len(codes),
        "alone_p50_ms": round(alone.p(0.5), 1),
        "door_p95_ms": round(door.p(0.95), 1),
        "web_cores": crowd.use.cores["web"],
        "postgresql_cores": crowd.use.cores["PostgreSQL"],
        "generator_cores": crowd.use.cores["load generator"],
        "cores_used_by_others": crowd.use.others,
    }
    failures = crowd.answers.failures + door.answers.failures + lost + ("none" in codes)
    return conclude("proxy", figures, WANTED, crowd.use.sentence(), failures=failures)


if __name__ == "__main__":
    sys.exit(main())
