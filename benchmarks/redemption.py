"""Claims: at 1,000,000 accounts and 20,000,000 entries a redemption takes ≤ 40 ms at p95, reading a balance ≤ 20 ms.

Over HTTP, through the whole API with its key, idempotency and the wall between shops, by 8 callers at once who each
pick accounts at random; a redemption ends with its commit, before Shopify hears of it. In the same run, what no such
call can do without: an answer of the same server that touches nothing (`/healthz`), and a transaction of one update.

First the callers come at a steady rate (of redemptions, fifty times what a million members ask for who each redeem
once a month; `--redemptions` changes it), and times count from the moment at which a call was due: that is judged. Then
each asks again as soon as it is answered: what the server can do, and how long calls take that wait for each other.
"""

import argparse
import http.client
import json
import random
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg
from sqlalchemy import select, text

from app.api.keys import create_key
from app.loyalty.models import Balance, Redemption, Reward
from app.runtime import Runtime
from benchmarks.ledger_world import customer_id, world
from benchmarks.processor import Use, Watch
from benchmarks.report import Figure, Wanted, conclude, percentile, table
from benchmarks.world import World

WANTED = {"redemption_p95_ms": Wanted(at_most=40), "balance_p95_ms": Wanted(at_most=20)}
REDEMPTION, BALANCE, NOTHING, UPDATE = "redemption", "balance", "/healthz", "one update"
Ask = Callable[[random.Random], int]
_UPDATE = """
update balances set lifetime = lifetime
where account_id = %s and (shop_id, program_id) in (select shop_id, id from programs)
"""


@dataclass
class Round:
    """What callers saw: the status and the milliseconds of each call."""

    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    use: Use | None = None

    def p(self, share: float) -> float:
        return percentile(self.milliseconds, share)


class Caller:
    """One keep-alive connection with an API key."""

    def __init__(self, port: int, key: str, accounts: int, reward: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._accounts, self._body = accounts, json.dumps({"reward_id": str(reward)})

    def redeem(self, dice: random.Random) -> int:
        path = f"/api/v1/customers/{customer_id(dice.randint(1, self._accounts))}/redemptions"
        return self._ask(
            "POST", path, self._body, {**self._headers, "Idempotency-Key": str(uuid.UUID(int=dice.getrandbits(128)))}
        )

    def read(self, dice: random.Random) -> int:
        return self._ask(
            "GET", f"/api/v1/customers/{customer_id(dice.randint(1, self._accounts))}", None, self._headers
        )

    def nothing(self, dice: random.Random) -> int:
        return self._ask("GET", "/healthz", None, {})

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> int:
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


class Updater:
    """One database connection: the least that a change of points can be."""

    def __init__(self, url: str, accounts: int) -> None:
        self._connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        self._accounts = accounts

    def update(self, dice: random.Random) -> int:
        self._connection.execute(_UPDATE, (dice.randint(1, self._accounts),))
        return 200


def strike(made: World, family: int, asks: Sequence[Ask], seconds: float, per_second: float = 0) -> Round:
    """All callers at once: at a steady rate together, or each asking again as soon as it is answered."""
    done, lock = Round(), threading.Lock()
    start = time.monotonic()
    pause = len(asks) / per_second if per_second else 0.0

    def caller(number: int, ask: Ask) -> None:
        dice, times, statuses = random.Random(), list[float](), Counter[int]()
        due = start + pause * number / len(asks)
        while due < start + seconds:
            time.sleep(max(due - time.monotonic(), 0))
            statuses[ask(dice)] += 1
            times.append(1_000 * (time.monotonic() - due))
            due = due + pause if pause else time.monotonic()
        with lock:
            done.milliseconds += times
            done.statuses += statuses

    threads = [threading.Thread(target=caller, args=pair) for pair in enumerate(asks)]
    own = time.process_time()
    with Watch({"server": family, "PostgreSQL": made.postmaster}) as watch:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        watch.told("callers", time.process_time() - own)
    done.seconds, done.use = time.monotonic() - start, watch.use
    return done


def main() -> int:
    """Measure in a kept world, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    with world(sizes.accounts) as made:
        return run(made, sizes)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--redemptions", type=float, default=20.0, help="a second, where the rate is steady")
    parser.add_argument("--balances", type=float, default=100.0, help="read a second, where the rate is steady")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each kind of call")
    parser.add_argument("--warm-up", type=float, default=3.0, help="seconds of each kind of call")
    return parser.parse_args(arguments)


def run(made: World, sizes: argparse.Namespace) -> int:
    """No worker runs: codes are planned, and wait."""
    (shop,) = made.shop_ids.values()
    with made.runtime.database.shop(shop) as session:
        key = create_key(session, shop, "benchmark")
        reward = session.scalars(select(Reward.id).where(Reward.shop_id == shop)).first()
    assert reward is not None
    child, port = made.web()
    callers = [Caller(port, key, sizes.accounts, reward) for _ in range(sizes.callers)]
    url = made.runtime.database.engine.url.render_as_string(hide_password=False)
    updaters = [Updater(url, sizes.accounts) for _ in range(sizes.callers)]
    kinds: dict[str, tuple[list[Ask], float]] = {
        REDEMPTION: ([caller.redeem for caller in callers], sizes.redemptions),
        BALANCE: ([caller.read for caller in callers], sizes.balances),
        NOTHING: ([caller.nothing for caller in callers], sizes.balances),
        UPDATE: ([updater.update for updater in updaters], sizes.balances),
    }
    before, family = redemptions(made.runtime, shop), child.process.pid
    warm = [strike(made, family, asks, sizes.warm_up) for asks, _ in kinds.values()]
    steady = {name: strike(made, family, asks, sizes.seconds, rate) for name, (asks, rate) in kinds.items()}
    rushed = {name: strike(made, family, asks, sizes.seconds) for name, (asks, _) in kinds.items()}
    accepted = sum(done.statuses[202] for done in (*warm, *steady.values(), *rushed.values()))
    lost = abs(redemptions(made.runtime, shop) - before - accepted)
    return report(steady, rushed, lost + disagreeing(made.runtime, shop))


def redemptions(runtime: Runtime, shop: int) -> int:
    """How many there are."""
    with runtime.database.shop(shop) as session:
        count = text(f"select count(*) from {Redemption.__tablename__} where shop_id = :shop and state = 'held'")  # noqa: S608 - a table of ours
        return int(session.scalar(count, {"shop": shop}) or 0)


def disagreeing(runtime: Runtime, shop: int) -> int:
    """Accounts that redeemed here and whose balance is not the sum of their entries."""
    wrong = text(f"""
        select count(*) from {Balance.__tablename__} b
        where b.shop_id = :shop
          and b.account_id in (select account_id from redemptions where shop_id = :shop and state = 'held')
          and b.points <> (select sum(points) from ledger_entries e
                           where e.shop_id = b.shop_id and e.account_id = b.account_id)
    """)  # noqa: S608 - a table of ours
    with runtime.database.shop(shop) as session:
        return int(session.scalar(wrong, {"shop": shop}) or 0)


def report(steady: dict[str, Round], rushed: dict[str, Round], lost: int) -> int:
    """Print the table and the JSON line. A refusal for want of points (422) is an answer, not a failure."""
    rows: list[tuple[Figure, ...]] = []
    for how, rounds in (("steady", steady), ("flat out", rushed)):
        for name, done in rounds.items():
            assert done.use is not None
            cores = [done.use.cores[who] for who in ("server", "PostgreSQL", "callers")]
            figures = (done.p(0.5), done.p(0.95), done.p(0.99), done.statuses.total() / done.seconds)
            rows.append((f"{name}, {how}", *figures, *cores, done.use.others))
    table(("", "p50 ms", "p95 ms", "p99 ms", "calls/s", "server", "PostgreSQL", "callers", "others"), rows)
    print("\n  the last four columns are processor cores")
    shown: dict[str, Figure] = {
        "redemption_p95_ms": round(steady[REDEMPTION].p(0.95), 1),
        "balance_p95_ms": round(steady[BALANCE].p(0.95), 1),
        "nothing_p95_ms": round(steady[NOTHING].p(0.95), 1),
        "update_p95_ms": round(steady[UPDATE].p(0.95), 1),
        "redemptions_per_second": round(rushed[REDEMPTION].statuses[202] / rushed[REDEMPTION].seconds),
        "balances_per_second": round(rushed[BALANCE].statuses[200] / rushed[BALANCE].seconds),
        "rushed_redemption_p95_ms": round(rushed[REDEMPTION].p(0.95), 1),
        "rushed_balance_p95_ms": round(rushed[BALANCE].p(0.95), 1),
        "refused": steady[REDEMPTION].statuses[422] + rushed[REDEMPTION].statuses[422],
    }
    answers = [done.statuses for done in (*steady.values(), *rushed.values())]
    odd = sum(number for seen in answers for status, number in seen.items() if status not in {200, 202, 422})
    use = rushed[REDEMPTION].use
    assert use is not None
    return conclude("redemption", shown, WANTED, use.sentence(), failures=odd + lost)


if __name__ == "__main__":
    sys.exit(main())
