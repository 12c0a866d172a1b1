"""Sixty-four callers at once, from several processes, cannot spend a point twice: exact sums afterwards."""

import multiprocessing
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select

from app.config import Settings
from app.crypto import KeyRing
from app.db import Database
from app.errors import Problem
from app.loyalty import redemption as redemptions
from app.loyalty import service
from app.loyalty.models import LedgerEntry, Redemption
from app.loyalty.verify import verify
from app.runtime import Runtime
from app.shops.models import Shop
from tests.discounts.conftest import Member
from tests.soak_page import write_section

CALLERS, PROCESSES = 64, 4
GIFT, PRICE = 250, 100


@dataclass(frozen=True)
class Plan:
    """What a process of callers is told."""

    settings: Settings
    shop_id: int
    account: int
    customer: int
    reward: int
    rounds: int


def call(plan: Plan, barrier: Barrier, answers: Any) -> None:
    """A process: its share of the callers, each trying once a round, all of them at the same moment."""
    database = Database(plan.settings.database_url or "", pool_size=CALLERS // PROCESSES)
    keyring = KeyRing(plan.settings.encryption_keys)
    with database.system() as session:
        shop = session.get_one(Shop, plan.shop_id)
    heard: Counter[str] = Counter()
    lock = threading.Lock()

    def caller() -> None:
        mine: Counter[str] = Counter()
        for _ in range(plan.rounds):
            barrier.wait(60)
            mine[attempt(database, keyring, shop, plan)] += 1
            barrier.wait(60)
        with lock:
            heard.update(mine)

    threads = [threading.Thread(target=caller) for _ in range(CALLERS // PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.dispose()
    answers.put(heard)


def attempt(database: Database, keyring: KeyRing, shop: Shop, plan: Plan) -> str:
    try:
        with database.shop(shop.id) as session:
            return redemptions.redeem(
                session,
                shop,
                keyring,
                account_id=plan.account,
                customer_id=plan.customer,
                reward_id=plan.reward,
                request_id=str(uuid.uuid4()),
                actor="key:1",
            ).state
    except Problem as problem:
        return problem.kind


def spend(runtime: Runtime, member: Member, rounds: int) -> tuple[Counter[str], float]:
    """So many rounds, each after a gift of points; returns the answers and the seconds."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(CALLERS + 1)
    answers = context.Queue()
    plan = Plan(runtime.settings, member.shop.id, member.account, member.customer, member.reward, rounds)
    processes = [context.Process(target=call, args=(plan, barrier, answers)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    began = time.monotonic()
    for _ in range(rounds):
        with runtime.database.system() as session:
            service.adjust(session, member.holder, GIFT, request_id=str(uuid.uuid4()), note="gift", actor="test")
        barrier.wait(60)
        barrier.wait(60)
    heard = sum((answers.get(timeout=60) for _ in processes), Counter[str]())
    seconds = time.monotonic() - began
    for process in processes:
        process.join()
    return heard, seconds


def check(runtime: Runtime, member: Member, rounds: int, heard: Counter[str]) -> None:
    bought = rounds * GIFT // PRICE
    assert heard == Counter({"held": bought, "not-enough-points": rounds * CALLERS - bought})
    with runtime.database.system() as session:
        assert session.scalar(select(func.count()).select_from(Redemption)) == bought
        spent = select(func.sum(LedgerEntry.points)).where(LedgerEntry.source_kind == "redemption")
        assert session.scalar(spent) == -bought * PRICE
        assert session.scalar(select(func.sum(LedgerEntry.points))) == member.balance() == rounds * GIFT % PRICE
    with runtime.database.system() as session:
        assert verify(session).disagreements == ()


@pytest.fixture
def beggar(runtime: Runtime, shop: Shop) -> Member:
    """A member who starts with nothing that would not be counted."""
    member = Member(runtime, shop, 1)
    with runtime.database.system() as session:
        service.adjust(session, member.holder, -1, request_id=str(uuid.uuid4()), note="start", actor="test")
    return member


def test_sixty_four_callers_never_overspend(runtime: Runtime, beggar: Member) -> None:
    heard, _ = spend(runtime, beggar, 2)
    check(runtime, beggar, 2, heard)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_sixty_four_callers_never_overspend_at_full_size(runtime: Runtime, beggar: Member) -> None:
    heard, seconds = spend(runtime, beggar, 1000)
    check(runtime, beggar, 1000, heard)
    write_section(
        "Sixty-four callers spend the points of one account",
        f"{CALLERS} callers in {PROCESSES} processes tried 1,000 times at the same moment to redeem {PRICE} points of\n"
        f"an account that was given {GIFT} before each round: {heard['held']:,} redemptions,\n"
        f"{heard['not-enough-points']:,} refusals, no other answer, in {seconds:,.0f} s.\n"
        "Entries, lots, uses and balance agree, and not a point was spent twice.",
    )
