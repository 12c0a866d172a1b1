"""A shop whose days pass as a test says: orders, spending, returns and sweeps at their instants."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app import clock
from app.customers import accounts
from app.loyalty import expiry, idleness, ledger, programs, service, standing
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import Source
from app.loyalty.models import LedgerEntry, Program, Redemption, Reward, RuleVersion
from app.loyalty.standing import Standing
from app.orders.models import Order
from app.runtime import Runtime
from app.shops.models import Shop


class Days:
    """One shop. An order of so many points is one of as many dollars; a customer is a number."""

    def __init__(self, runtime: Runtime, shop: Shop) -> None:
        self.runtime, self.shop = runtime, shop
        with self.session() as session:
            self.program = programs.default_program(session, shop.id).id

    def session(self) -> Any:
        """A system session, as a worker has it."""
        return self.runtime.database.system()

    def move(self, at: datetime) -> None:
        """Let it be this instant, for every process of this home."""
        clock.set_offset(self.runtime.settings.home, at - clock.wall_now())

    def rules(self, **rules: Any) -> None:
        """What the program's one version says; a point for each dollar."""
        wanted = {"earning": [{"kind": "per_unit", "points": 1}], **rules}
        with self.session() as session:
            session.execute(update(RuleVersion).where(RuleVersion.shop_id == self.shop.id).values(rules=wanted))

    def set(self, **settings: Any) -> None:
        """Settings of the program itself."""
        with self.session() as session:
            session.execute(update(Program).where(Program.shop_id == self.shop.id).values(**settings))

    def holder(self, customer: int = 1) -> Holder:
        """The account of a customer."""
        with self.session() as session:
            found = accounts.accounts_of_customers(session, {(self.shop.id, customer)})
        return Holder(self.shop.id, self.program, found[self.shop.id, customer])

    def order(self, order_id: int, points: int, at: datetime, customer: int = 1) -> None:
        """News of an order, placed at an instant and now worth so many points: fewer after a refund."""
        holder = self.holder(customer)
        with self.session() as session:
            session.merge(
                Order(
                    shop_id=self.shop.id,
                    id=order_id,
                    account_id=holder.account_id,
                    customer_id=customer,
                    currency="USD",
                    paid=True,
                    current_subtotal_minor=points * 100,
                    processed_at=at,
                    created_at=at,
                    updated_at=clock.now(),
                )
            )
            session.flush()
            service.settle(session, [(self.shop.id, holder.account_id)])

    def spend(self, key: str, points: int, customer: int = 1) -> int:
        """A redemption as far as points go; returns how many were taken: all or none."""
        with self.session() as session:
            return self.spend_in(session, key, points, customer)

    def spend_in(self, session: Session, key: str, points: int, customer: int = 1) -> int:
        """The same in a transaction of the test's own."""
        holder, now = self.holder(customer), clock.now()
        ledger.lock_balances(session, [holder])
        lots = ledger.load_needed(session, [(holder, Source("redemption", redemption_id(key)))])
        expiry.expire(session, [holder], now, lots)
        if lots[holder].available(now) < points:
            return 0
        reward = session.query(Reward).filter_by(shop_id=self.shop.id).first()
        session.add(
            Redemption(
                **holder._asdict(),
                id=redemption_id(key),
                reward_id=reward.id if reward else 0,
                points=points,
                code=f"POINTS-{key}",
                state="used",
                created_at=now,
            )
        )
        session.flush()
        ledger.post(session, [_redeemed(holder, key, -points, now)], lots)
        idleness.renew(session, {holder: now})
        return points

    def give_back(self, key: str, points: int, customer: int = 1, keep_until: datetime | None = None) -> None:
        """Points of a redemption return."""
        holder = self.holder(customer)
        with self.session() as session:
            ledger.lock_balances(session, [holder])
            ledger.post(session, [_redeemed(holder, key, points, clock.now(), keep_until)])
            redemption = session.get_one(Redemption, (self.shop.id, redemption_id(key)))
            redemption.returned += points

    def sweep(self) -> int:
        """What the minute's job does; returns how many accounts it took on."""
        with self.session() as session:
            return expiry.sweep(session)

    def standing(self, customer: int = 1, at: datetime | None = None) -> Standing:
        """The account as the API tells it."""
        holder = self.holder(customer)
        with self.runtime.database.shop(self.shop.id) as session:
            return standing.account_standing(session, holder, at or clock.now())

    def posted(self, kind: str = "%", customer: int = 1) -> list[tuple[str, int, str, datetime]]:
        """Entries of a kind: source, points, reason, business time, oldest first."""
        holder = self.holder(customer)
        with self.session() as session:
            entries = (
                session.query(LedgerEntry)
                .filter(LedgerEntry.account_id == holder.account_id, LedgerEntry.source_kind.like(kind))
                .order_by(LedgerEntry.id)
            )
            return [(entry.source_id, entry.points, entry.reason, entry.business_at) for entry in entries]


def redemption_id(key: str) -> str:
    """The id under which `spend` books."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, key))


def _redeemed(holder: Holder, key: str, points: int, at: datetime, keep_until: datetime | None = None) -> Posting:
    return Posting(
        holder=holder,
        source=Source("redemption", redemption_id(key)),
        points=points,
        reason="redeemed" if points < 0 else "returned",
        business_at=at,
        keep_until=keep_until,
    )
