"""What changes pools and their codes: opening one, handing out a code, planning and settling its filling.

`open_pool` and `take` are called by features in their own transactions; the rest by the jobs of this folder. Codes are
written down, with their final spelling, before Shopify hears of them, so that repeating a call makes no other codes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app import clock
from app.discounts import codes
from app.discounts.pools.models import CodePool, PoolCode
from app.errors import Invalid
from app.jobs import enqueue
from app.sql import Statement, rows

PURPOSE = "pool"
# Shopify takes 250 codes a call; and longer than its slowest answer with the polling after it.
MOST_AT_ONCE = 250
LEASE = timedelta(minutes=3)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=30)
_KINDS = {"amount_off": 10**12, "percent_off": 10_000}


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What the codes of a pool are worth. `value`: minor units, or hundredths of a per cent."""

    title: str
    kind: str
    value: int
    currency: str
    minimum_minor: int = 0
    combines: bool = False
    prefix: str = "WELCOME-"
    ends_at: datetime | None = None
    target: int = 200
    low: int = 50


def open_pool(session: Session, shop_id: int, offer: Offer) -> CodePool:
    """Plan a pool; its discount and first codes are made by a job. Raises Invalid for an offer that cannot be."""
    most = _KINDS.get(offer.kind)
    if most is None or not 0 < offer.value <= most:
        raise Invalid("An offer takes an amount off, or a share of at most 100 per cent.")
    if not 0 <= offer.low < offer.target <= 10_000:
        raise Invalid("A pool holds up to 10,000 free codes, and is filled before it is half empty or empty.")
    pool = CodePool(
        shop_id=shop_id,
        **offer.__dict__,
        state="planned",
        made=0,
        attempts=0,
        # Whole minutes, rounded down: a clock a little ahead of Shopify's must not make the codes start in the future.
        starts_at=clock.now().replace(second=0, microsecond=0),
        due_at=clock.wall_now(),
        created_at=clock.now(),
    )
    session.add(pool)
    session.flush()
    wake(session, shop_id)
    return pool


# `free` counts what was free before, as far as it matters.
_TAKE = Statement("""
with picked as materialized (
    select shop_id, code from pool_codes where shop_id = :shop and pool_id = :pool and state = 'free'
    order by code limit cast(:count as bigint) for update skip locked
), given as (
    update pool_codes c set state = 'given', given_at = :now
    from picked where c.shop_id = picked.shop_id and c.code = picked.code
    returning c.code
)
select p.low, array(select code from given order by code) as codes, (
    select count(*) from (
        select from pool_codes f where f.shop_id = p.shop_id and f.pool_id = p.id and f.state = 'free'
        limit p.low + cast(:count as bigint)) few
) as free
from code_pools p where p.shop_id = :shop and p.id = :pool
""")


def take(session: Session, shop_id: int, pool_id: int) -> str | None:
    """Hand out a free code, for good once the caller's transaction commits; None when there is none at the moment.

    Takers never wait for each other. A pool that runs low is filled by a job.
    """
    return next(iter(take_many(session, shop_id, pool_id, 1)), None)


def take_many(session: Session, shop_id: int, pool_id: int, count: int) -> list[str]:
    """Hand out up to `count` free codes, as `take` does one."""
    [row] = _TAKE.run(session, shop=shop_id, pool=pool_id, now=clock.now(), count=count)
    if row.free - len(row.codes) < row.low:
        enqueue(
            session,
            "pools.refill",
            {"shop_id": shop_id, "pool_id": pool_id},
            queueing_lock=f"pools.refill:{shop_id}:{pool_id}",
        )
    return list(row.codes)


_POOLS = select(CodePool, func.count(PoolCode.code)).outerjoin(
    PoolCode,
    (PoolCode.shop_id == CodePool.shop_id) & (PoolCode.pool_id == CodePool.id) & (PoolCode.state == "free"),
)


def pools(session: Session, shop_id: int, ids: Iterable[int]) -> dict[int, tuple[CodePool, int]]:
    """These pools with the number of codes that nobody has yet."""
    wanted = _POOLS.where(CodePool.shop_id == shop_id, CodePool.id.in_(set(ids)))
    return {pool.id: (pool, free) for pool, free in session.execute(wanted.group_by(CodePool.shop_id, CodePool.id))}


def wake(session: Session, shop_id: int) -> None:
    """Plan one job for all due pools of a shop."""
    enqueue(session, "pools.fill", {"shop_id": shop_id}, queueing_lock=f"pools.fill:{shop_id}")


def wake_due(session: Session) -> int:
    """Plan a job for each shop with pools that are due (a system session). Returns how many shops."""
    shops = session.scalars(select(CodePool.shop_id).where(CodePool.due_at <= clock.wall_now()).distinct()).all()
    for shop_id in shops:
        wake(session, shop_id)
    return len(shops)


def make_due(session: Session, shop_id: int, pool_id: int) -> None:
    """Let a pool that runs low be filled, unless somebody is at it."""
    pool = session.get_one(CodePool, (shop_id, pool_id), with_for_update=True, populate_existing=True)
    if pool.state != "failed" and pool.due_at is None:
        pool.due_at = clock.wall_now()
        session.flush()
        wake(session, shop_id)


@dataclass(frozen=True)
class Claim:
    """A pool that is being filled, and the codes that Shopify is to have."""

    pool: CodePool
    codes: tuple[str, ...]


def claim(session: Session, shop_id: int, key: bytes) -> Claim | None:
    """Take the pool that is due longest, and write down its next codes; the caller commits before it calls Shopify."""
    now = clock.wall_now()
    due = select(CodePool).where(CodePool.shop_id == shop_id, CodePool.due_at <= now).order_by(CodePool.due_at).limit(1)
    pool = session.scalars(due.with_for_update(skip_locked=True)).one_or_none()
    if pool is None:
        return None
    pool.due_at, pool.attempts = now + LEASE, pool.attempts + 1
    waiting = _codes(session, pool, "adding", MOST_AT_ONCE)
    if not waiting:
        waiting = _write_codes(session, pool, key)
    session.flush()
    session.expunge(pool)
    return Claim(pool, tuple(waiting))


def _codes(session: Session, pool: CodePool, state: str, limit: int) -> Sequence[str]:
    wanted = select(PoolCode.code).where(
        PoolCode.shop_id == pool.shop_id, PoolCode.pool_id == pool.id, PoolCode.state == state
    )
    return session.scalars(wanted.order_by(PoolCode.code).limit(limit)).all()


_WRITE = text("""
insert into pool_codes (shop_id, code, pool_id, state)
select shop_id, code, pool_id, 'adding'
from jsonb_to_recordset(cast(:rows as jsonb)) as r(shop_id bigint, code text, pool_id bigint)
""")


def _write_codes(session: Session, pool: CodePool, key: bytes) -> list[str]:
    """The first code alone makes the discount; later ones come as many as are missing."""
    missing = pool.target - len(_codes(session, pool, "free", pool.target)) if pool.discount_id else 1
    numbers = range(pool.made + 1, pool.made + 1 + min(missing, MOST_AT_ONCE))
    made = [codes.derive(key, pool.prefix, PURPOSE, f"{pool.id}.{number}") for number in numbers]
    if made:
        session.execute(
            _WRITE, {"rows": rows({"shop_id": pool.shop_id, "code": code, "pool_id": pool.id} for code in made)}
        )
    pool.made += len(made)
    return made


_SETTLE = text("""
update pool_codes set state = :state
where shop_id = :shop and pool_id = :pool and state = 'adding' and code = any(:codes)
""")


def settle(
    session: Session,
    claimed: Claim,
    *,
    discount_id: str | None,
    free: Iterable[str] = (),
    refused: Iterable[str] = (),
) -> None:
    """Write down what Shopify has made. A pool that has enough rests; one that has not goes on at once."""
    pool = _locked(session, claimed)
    pool.discount_id = discount_id or pool.discount_id
    for state, listed in (("free", free), ("refused", refused)):
        named = {"shop": pool.shop_id, "pool": pool.id, "state": state, "codes": sorted(listed)}
        if named["codes"]:
            session.execute(_SETTLE, named)
    have = len(_codes(session, pool, "free", pool.target))
    enough = have >= pool.target and not _codes(session, pool, "adding", 1)
    pool.state, pool.attempts, pool.last_error = "ready" if pool.discount_id else pool.state, 0, None
    pool.due_at = None if enough else clock.wall_now()
    session.flush()
    if not enough:
        wake(session, pool.shop_id)


def postpone(session: Session, claimed: Claim, reason: str, wait: timedelta | None = None) -> None:
    """Nothing is decided; the same codes are sent again later."""
    pool = _locked(session, claimed)
    pause: timedelta = _FIRST_PAUSE * 2 ** min(pool.attempts, 9)
    pool.due_at, pool.last_error = clock.wall_now() + (wait or min(pause, _LONGEST_PAUSE)), reason
    session.flush()


def fail(session: Session, claimed: Claim, reason: str) -> None:
    """Shopify will not have this discount; somebody has to change it."""
    pool = _locked(session, claimed)
    pool.state, pool.due_at, pool.last_error = "failed", None, reason
    session.flush()


def _locked(session: Session, claimed: Claim) -> CodePool:
    key = (claimed.pool.shop_id, claimed.pool.id)
    return session.get_one(CodePool, key, with_for_update=True, populate_existing=True)
