"""The same history lived through twice: once undisturbed, once with processes of the app killed on the way.

Both worlds are real: a development store process and `perennial serve` with its web and worker process, on an embedded
PostgreSQL of their own. Kills are SIGKILL, spread evenly over the deliveries; a share of deliveries comes twice and out
of order, and at Shopify's whole seconds many versions of an order carry one `updated_at`. What was dropped is repaired
by reading those orders again, which members wait for before they redeem. Used by the tests beside.
"""

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Never

from sqlalchemy import text
from tqdm import tqdm

from app import clock, job_table, jobs
from app.demo import queries
from app.demo.judging import Difference, Verdict, judge, wait_until_quiet
from app.demo.processes import Child
from app.demo.world import World, clear
from dev_store.history.running import Runner
from dev_store.history.steps import Step

SHOP = "crash.myshopify.com"
WINDOW, BATCH = 60, 60
FASTER = 100.0  # Shopify's retries within 144 seconds instead of 4 hours
PATIENCE = 600.0
# What reading an order again repairs. A deletion is not among them: Shopify hides old orders as it hides deleted ones.
REPAIRABLE = "orders/create,orders/paid,orders/updated,orders/cancelled,orders/edited,refunds/create"
VICTIMS = ("web", "worker")

# Accounts are named by what leads to them, because the app numbers them in the order in which webhooks arrive.
_OWNERS = text(
    "select account_id, string_agg(kind || ' ' || value, ', ' order by kind, value) from identities group by account_id"
)
_BALANCES = text("select account_id, points, lifetime from balances")
# A redemption has a random id, so those of an account are taken together.
_SOURCES = text(
    "select account_id, source_kind, case source_kind when 'order' then source_id else '' end, sum(points)"
    " from ledger_entries group by 1, 2, 3"
)


@dataclass(frozen=True)
class Ending:
    """What a world held in the end; two of them can be compared."""

    balances: Mapping[str, tuple[int, int]]
    sources: Mapping[tuple[str, str, str], int]
    verdict: Verdict
    differences: list[Difference]
    announced: int
    dropped: int
    seconds: float
    killed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Trouble:
    """How a world is disturbed: SIGKILLs over `expected` deliveries, and shares of these that come twice or never."""

    kills: int = 0
    expected: int = 0
    doubled: float = 0.1
    dropped: float = 0.0
    seed: int = 1


def live_through(home: Path, steps: Sequence[Step], trouble: Trouble) -> Ending:
    """Lives through the steps; only what reading an order again repairs is ever dropped."""
    begun = time.monotonic()
    try:
        with World(home, SHOP) as world:
            world.move_clocks(steps[0].at - clock.wall_now())
            world.install(name="Crash", currency="GBP", timezone="Europe/London", country="GB")
            world.store.delivery(double=trouble.doubled, shuffle=WINDOW, compress=FASTER)
            lost = Lost(world)
            with Killer(world, trouble) as killer, tqdm(total=len(steps), disable=None) as bar:
                world.store.delivery(drop=trouble.dropped, drop_of=REPAIRABLE)
                _live(world, list(steps), bar, lost)
                killer.finish()
                lost.repair()
            world.move_clocks(timedelta())
            return _ending(world, time.monotonic() - begun, killer.killed, len(lost.read_again))
    finally:
        clear(home)
        shutil.rmtree(home, ignore_errors=True)


def _live(world: World, steps: list[Step], bar: "tqdm[Never]", lost: "Lost") -> None:
    """The story of the demo, with members who wait until what was dropped is repaired."""
    reward = world.members.reward()

    def redeem(customer_ids: list[int]) -> dict[int, str]:
        lost.repair()
        return world.members.redeem(customer_ids, reward)

    def before(step: Step) -> None:
        world.move_clocks(step.at - clock.wall_now())

    Runner(world.store, batch=BATCH, redeem=redeem, before=before, done=bar.update).live(steps)


class Lost:
    """Repairs what was dropped: each order is read again by the app's own job, once all else has arrived."""

    def __init__(self, world: World) -> None:
        job_table.load()
        self._world = world
        self.read_again: list[int] = []

    def repair(self) -> None:
        """Returns when the world is quiet and nothing is missing."""
        _wait_until_quiet(self._world)
        orders = [item["id"] for item in self._world.store.lost()[len(self.read_again) :]]
        if orders:
            with self._world.database.system() as session:
                shop = queries.shop_id(session, self._world.shop)
                jobs.enqueue_all(session, [_reread(shop, order) for order in sorted(set(orders))])
            self.read_again += orders
            _wait_until_quiet(self._world)


def _wait_until_quiet(world: World) -> None:
    """Without hurrying the store's retries: those that are made while a killed process comes back are used up."""
    deadline = time.monotonic() + PATIENCE
    while (stats := world.store.delivery_stats())["queued"] or stats["retrying"]:
        assert time.monotonic() < deadline, f"webhooks are still not delivered: {stats}"
        time.sleep(0.1)
    wait_until_quiet(world)


def _reread(shop: int, order: int) -> jobs.Planned:
    return jobs.Planned("orders.reread", {"shop_id": shop, "order_id": order}, f"orders.reread:{shop}:{order}")


def _ending(world: World, seconds: float, killed: Counter[str], dropped: int) -> Ending:
    verdict = judge(world)
    with world.database.system() as session:
        owners: dict[int, str] = {int(account): str(owner) for account, owner in session.execute(_OWNERS)}
        balances = session.execute(_BALANCES).all()
        sources = session.execute(_SOURCES).all()
    # Points that were given and taken back leave a row of zeros; whether they ever were given depends on the arrival.
    return Ending(
        balances={owners[account]: (int(held), int(ever)) for account, held, ever in balances if held or ever},
        sources={(owners[account], kind, source): int(points) for account, kind, source, points in sources if points},
        differences=[found for found in verdict.differences if not _explained(found, dropped)],
        verdict=verdict,
        dropped=dropped,
        announced=world.store.figures()["webhooks"]["announced"],
        seconds=seconds,
        killed=killed,
    )


def _explained(found: Difference, dropped: int) -> bool:
    """Whether it is no more than that those that were dropped were announced and never received."""
    announced, received = found.store, found.app
    assert isinstance(announced, int)
    return found.what == "webhooks announced / received" and received == announced - dropped


class Killer:
    """A thread that kills web or worker, the process alone or its whole group, whenever another share has arrived."""

    def __init__(self, world: World, trouble: Trouble) -> None:
        self.killed: Counter[str] = Counter()
        self._serve = world.children[1]
        self._store = type(world.store)(world.store_origin, world.shop)
        arriving = int(trouble.expected * (1 - trouble.dropped))
        self._due = [arriving * number // (trouble.kills + 1) for number in range(1, trouble.kills + 1)]
        self._dice = random.Random(trouble.seed)
        self._over, self._all_came = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer")

    def __enter__(self) -> "Killer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def finish(self) -> None:
        """Waits until all kills are done; deliveries that never reach the last shares must not hide that."""
        self._all_came.set()
        while self._due and self._thread.is_alive():
            time.sleep(0.05)

    def _run(self) -> None:
        while self._due and not self._over.wait(0.02):
            arrived = self._store.delivery_stats()
            # What comes up and dies at once, again and again, is given up by its supervisor: rightly, so it gets time.
            late = self._all_came.is_set() and not self._over.wait(3.0)
            if late or arrived["acknowledged"] - arrived["doubled"] >= self._due[0]:
                self._kill(self._dice.choice(VICTIMS))

    def _kill(self, victim: str) -> None:
        """Does nothing while the victim is still coming back from the last time."""
        for pid in _children_running(self._serve, f"app.{victim}"):
            with suppress(ProcessLookupError):
                if self._dice.random() < 0.5:
                    os.killpg(pid, signal.SIGKILL)
                else:
                    os.kill(pid, signal.SIGKILL)
                self.killed[victim] += 1
                self._due.pop(0)


def _children_running(parent: Child, what: str) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = (line.split(None, 2) for line in listed.splitlines())
    return [int(pid) for pid, ppid, args in rows if int(ppid) == parent.process.pid and args.endswith(what)]
