"""The API's SQL: what it shows, its keys, its kept answers. Queries name the shop, although the wall would do."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, and_, case, delete, func, or_, select
from sqlalchemy.orm import Session

from app import clock
from app.api.models import ApiKey, IdempotentRequest
from app.customers.models import Account
from app.customers.queries import account_of_customer
from app.errors import NotFound
from app.loyalty.models import Balance, LedgerEntry, LedgerNote, Lot, Program, Redemption, Reward, RuleVersion
from app.orders.models import Order
from app.sql import Statement

LARGEST_ID = 2**63 - 1


def account_id(session: Session, shop_id: int, customer_id: str) -> int:
    """The account of a Shopify customer; raises NotFound, also for an id that no bigint can hold."""
    number = int(customer_id)
    found = account_of_customer(session, shop_id, number) if number <= LARGEST_ID else None
    if found is None:
        raise NotFound(f"This shop has no customer {customer_id}.", kind="unknown-customer")
    return found


class HeldLot(NamedTuple):
    """A lot with points in it; `ends_at` is its own end or that of its account's idleness, whichever holds."""

    id: int
    source_kind: str
    source_id: str
    granted: int
    remaining: int
    available_at: datetime
    ends_at: datetime | None


def lots(
    session: Session, shop_id: int, program_id: int, account: int, *, beyond: int | None, limit: int
) -> Sequence[HeldLot]:
    """Lots with points in them that are not over, in the order they were made."""
    idle = case((Lot.available_at < Balance.idle_at, Balance.idle_at))
    ends_at = func.coalesce(Lot.expires_at, idle)
    own = (Balance.shop_id == Lot.shop_id, Balance.program_id == Lot.program_id, Balance.account_id == Lot.account_id)
    wanted = (
        select(Lot.id, Lot.source_kind, Lot.source_id, Lot.granted, Lot.remaining, Lot.available_at, ends_at)
        .join(Balance, and_(*own))
        .where(Lot.shop_id == shop_id, Lot.program_id == program_id, Lot.account_id == account, Lot.remaining > 0)
        .where(Lot.id > (beyond or 0), or_(ends_at.is_(None), ends_at > clock.now()))
        .order_by(Lot.id)
        .limit(limit)
    )
    return [HeldLot(*row) for row in session.execute(wanted)]


class Person(NamedTuple):
    """What an account's orders add up to, and what Shopify says of the customer's consent.

    Lifetime figures hold what was bought before this app was installed, as far as it is known.
    """

    orders: int
    spent_minor: int
    first_order_at: datetime | None
    last_order_at: datetime | None
    lifetime_orders: int
    lifetime_spent_minor: int
    history_known: bool
    email_consent: str | None
    email_consent_level: str | None
    email_consent_at: datetime | None
    sms_consent: str | None
    sms_consent_level: str | None
    sms_consent_at: datetime | None


_PERSON = Statement("""
select coalesce(t.orders, 0) as orders, coalesce(t.spent_minor, 0) as spent_minor, t.first_order_at, t.last_order_at,
       coalesce(t.lifetime_orders, t.orders, 0) as lifetime_orders,
       coalesce(t.lifetime_spent_minor, t.spent_minor, 0) as lifetime_spent_minor,
       coalesce(t.history_known, true) as history_known,
       c.email_consent, c.email_consent_level, c.email_consent_at, c.sms_consent, c.sms_consent_level, c.sms_consent_at
from (values (0)) one
left join account_totals t on t.shop_id = :shop_id and t.account_id = :account
left join customers c on c.shop_id = :shop_id and c.id = :customer
""")


def person(session: Session, shop_id: int, account: int, customer_id: int) -> Person:
    """Nothing but zeros and None for somebody who has no orders and of whom Shopify has told nothing."""
    [row] = _PERSON.run(session, shop_id=shop_id, account=account, customer=customer_id)
    return Person(*row)


def ledger_entries(
    session: Session, shop_id: int, program_id: int, account: int, *, before: int | None, limit: int
) -> Sequence[tuple[LedgerEntry, str | None]]:
    """Entries with their notes, newest first."""
    note = (LedgerNote.shop_id == LedgerEntry.shop_id) & (LedgerNote.entry_id == LedgerEntry.id)
    wanted = (
        select(LedgerEntry, LedgerNote.note)
        .outerjoin(LedgerNote, note)
        .where(LedgerEntry.shop_id == shop_id, LedgerEntry.account_id == account, LedgerEntry.program_id == program_id)
        .order_by(LedgerEntry.id.desc())
        .limit(limit)
    )
    if before is not None:
        wanted = wanted.where(LedgerEntry.id < before)
    return [(entry, text) for entry, text in session.execute(wanted)]


def order_names(session: Session, shop_id: int, order_ids: Iterable[int]) -> dict[int, str]:
    """The names (#1001) of orders, by id."""
    rows = session.execute(select(Order.id, Order.name).where(Order.shop_id == shop_id, Order.id.in_(set(order_ids))))
    return {order_id: name for order_id, name in rows if name}


def programs(session: Session, shop_id: int, *, beyond: int | None, limit: int) -> Sequence[Program]:
    """Programs in the order they were made."""
    wanted = select(Program).where(Program.shop_id == shop_id, Program.id > (beyond or 0))
    return session.scalars(wanted.order_by(Program.id).limit(limit)).all()


def program(session: Session, shop_id: int, program_id: int) -> Program:
    """A program of this shop; raises NotFound."""
    found = session.get(Program, (shop_id, program_id))
    if found is None:
        raise NotFound(f"This shop has no program {program_id}.")
    return found


def rule_versions(session: Session, of: Program, *, before: int | None, limit: int) -> Sequence[RuleVersion]:
    """Rule versions, newest first."""
    wanted = select(RuleVersion).where(RuleVersion.shop_id == of.shop_id, RuleVersion.program_id == of.id)
    if before is not None:
        wanted = wanted.where(RuleVersion.version < before)
    return session.scalars(wanted.order_by(RuleVersion.version.desc()).limit(limit)).all()


def rule_version(session: Session, of: Program, version: int) -> RuleVersion:
    """A version that is there."""
    return session.get_one(RuleVersion, (of.shop_id, of.id, version))


def rewards(session: Session, shop_id: int, *, state: str, beyond: int | None, limit: int) -> Sequence[Reward]:
    """Rewards in the order they were made: offered, stopped or all."""
    wanted = select(Reward).where(Reward.shop_id == shop_id, Reward.id > (beyond or 0))
    if state != "all":
        wanted = wanted.where(Reward.active == (state == "offered"))
    return session.scalars(wanted.order_by(Reward.id).limit(limit)).all()


def rewards_of(session: Session, of: Program) -> Sequence[Reward]:
    """What a program offers, cheapest first."""
    wanted = select(Reward).where(Reward.shop_id == of.shop_id, Reward.program_id == of.id, Reward.active)
    return session.scalars(wanted.order_by(Reward.points, Reward.id)).all()


def reward(session: Session, shop_id: int, reward_id: int) -> Reward:
    """The reward of a redemption, which is never deleted."""
    return session.get_one(Reward, (shop_id, reward_id))


def redemptions(
    session: Session, shop_id: int, account: int, *, before: tuple[datetime, str] | None, limit: int
) -> Sequence[tuple[Redemption, Reward]]:
    """Redemptions of an account and of those that were merged into it, newest first."""
    own = (Reward.shop_id == Redemption.shop_id) & (Reward.id == Redemption.reward_id)
    wanted = (
        select(Redemption, Reward)
        .join(Reward, own)
        .where(Redemption.shop_id == shop_id, Redemption.account_id.in_(_with_merged(shop_id, account)))
        .order_by(Redemption.created_at.desc(), Redemption.id.desc())
        .limit(limit)
    )
    if before is not None:
        made, same = Redemption.created_at, Redemption.id
        wanted = wanted.where(or_(made < before[0], and_(made == before[0], same < before[1])))
    return [(redemption, what) for redemption, what in session.execute(wanted)]


def redemption(session: Session, shop_id: int, account: int, redemption_id: str) -> Redemption:
    """A redemption of this account; raises NotFound, also for one of another customer."""
    found = session.scalar(
        select(Redemption).where(
            Redemption.shop_id == shop_id,
            Redemption.id == redemption_id,
            Redemption.account_id.in_(_with_merged(shop_id, account)),
        )
    )
    if found is None:
        raise NotFound(f"This customer has no redemption {redemption_id}.")
    return found


def _with_merged(shop_id: int, account: int) -> Select[int]:
    same = or_(Account.id == account, Account.merged_into == account)
    return select(Account.id).where(Account.shop_id == shop_id, same)


def api_keys(session: Session, shop_id: int) -> Sequence[ApiKey]:
    """All keys of a shop, oldest first."""
    return session.scalars(select(ApiKey).where(ApiKey.shop_id == shop_id).order_by(ApiKey.id)).all()


class PresentedKey(NamedTuple):
    """What is known of a key that a request came with."""

    shop_id: int
    id: int
    digest: bytes
    last_used_at: datetime | None
    revoked_at: datetime | None


_KEY = Statement("select shop_id, id, digest, last_used_at, revoked_at from api_keys where digest = :digest")
# Whoever finds another request at it leaves it to that one: nobody waits for the end of a stranger's request.
_TOUCH = Statement("""
update api_keys k set last_used_at = :at
from (select shop_id, id from api_keys where shop_id = :shop_id and id = :id for update skip locked) free
where k.shop_id = free.shop_id and k.id = free.id
""")
_TRY_LOCK = Statement("select pg_try_advisory_xact_lock(:number) as locked")


def api_key_by_digest(session: Session, digest: bytes) -> PresentedKey | None:
    """The key of a digest, in whichever shop: needs a system session, because the key is what names the shop."""
    found = _KEY.run(session, digest=digest)
    return PresentedKey._make(found[0]) if found else None


def touch_api_key(session: Session, shop_id: int, key_id: int, at: datetime) -> None:
    """Note that a key was used."""
    _TOUCH.run(session, shop_id=shop_id, id=key_id, at=at)


def try_lock(session: Session, number: int) -> bool:
    """Take an advisory lock until the transaction ends; False when another transaction holds it."""
    return bool(_TRY_LOCK.run(session, number=number)[0].locked)


class KeptAnswer(NamedTuple):
    """The answer to an earlier request under the same key."""

    request_digest: bytes
    status: int
    body: str


_KEPT = Statement("""
select request_digest, status, body from idempotent_requests where shop_id = :shop_id and key = :key
""")
_KEEP = Statement("""
insert into idempotent_requests (shop_id, key, request_digest, status, body, created_at)
values (:shop_id, :key, :request_digest, :status, :body, :created_at)
""")


def kept_answer(session: Session, shop_id: int, key: str) -> KeptAnswer | None:
    """What was answered under this key, if anything."""
    found = _KEPT.run(session, shop_id=shop_id, key=key)
    return KeptAnswer._make(found[0]) if found else None


def keep_answer(session: Session, shop_id: int, key: str, answer: KeptAnswer) -> None:
    """Keep an answer under its key."""
    _KEEP.run(session, shop_id=shop_id, key=key, created_at=clock.wall_now(), **answer._asdict())


def delete_answers_before(session: Session, instant: datetime) -> None:
    """Forget kept answers of all shops; needs a system session."""
    session.execute(delete(IdempotentRequest).where(IdempotentRequest.created_at < instant))
