"""Birthdays: on each of the shop's days, from its midnight on, those whose birthday it is get an action.

Exactly once: the action's key is the account and the year, and the mark of the day is moved in the same transaction.
After a pause of the worker every missed day is caught up, at its own business time. Moving one's birthday brings
nothing: an account has one birthday a calendar year, none within 300 days of the last, and one that is told after its
day's job has run counts from the next year on.
"""

from datetime import date, timedelta

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock
from app.errors import NotFound, Unprocessable
from app.jobs import job
from app.loyalty import service
from app.loyalty.actions import BIRTHDAY
from app.loyalty.dates import birthday_in, day_of, start_of
from app.loyalty.programs import ProgramRules, program_rules
from app.loyalty.run_models import BirthdayMark
from app.runtime import Runtime
from app.shops.models import Shop

log = structlog.get_logger()

# Whoever was away for longer than a year has missed no birthday twice.
_FURTHEST = timedelta(days=366)
_SETTLED_AT_ONCE = 500

_TELL = text("""
insert into customers as c (shop_id, id, birthday) values (:shop_id, :id, :birthday)
on conflict (shop_id, id) do update set birthday = excluded.birthday
where c.redacted_at is null and c.deleted_at is null and c.merged_into is null
returning id
""")


def tell(session: Session, shop_id: int, customer_id: int, birthday: date | None) -> None:
    """Keep a customer's birthday, or forget it (None).

    Raises Unprocessable for a day that nobody alive was born on, NotFound for a customer who is gone.
    """
    today = clock.now().date()
    if birthday is not None and not date(1900, 1, 1) <= birthday <= today:
        raise Unprocessable("A birthday lies between 1900 and today.", kind="birthday")
    if session.scalar(_TELL, {"shop_id": shop_id, "id": customer_id, "birthday": birthday}) is None:
        raise NotFound(f"Customer {customer_id} was deleted or forgotten.", kind="customer-gone")


@job("loyalty.celebrate", cron="*/15 * * * * 0")
def celebrate(runtime: Runtime) -> None:
    """Every quarter of an hour: each shop in whose zone a new day has begun."""
    now = clock.now()
    with runtime.database.system() as session:
        shops = session.scalars(select(Shop.id).where(Shop.state == "installed").order_by(Shop.id)).all()
        programs = program_rules(session, shops)
        marks = {mark.shop_id: mark.done_until for mark in session.scalars(select(BirthdayMark))}
    for shop_id, program in programs.items():
        today = day_of(now, program.zone)
        # A shop that is new begins with today: nothing was promised before.
        since = max(marks.get(shop_id, today - timedelta(days=1)), today - _FURTHEST)
        for offset in range(1, (today - since).days + 1):
            _celebrate_day(runtime, program, since + timedelta(days=offset))


_MARK = text("""
insert into birthday_marks as m (shop_id, done_until) values (:shop_id, :day)
on conflict (shop_id) do update set done_until = excluded.done_until where m.done_until < excluded.done_until
returning shop_id
""")
_RECORD = text("""
with born as (
    select distinct coalesce(a.merged_into, a.id) as account_id
    from customers c
    join identities i on i.shop_id = c.shop_id and i.kind = 'customer' and i.value = c.id::text
    join accounts a on a.shop_id = i.shop_id and a.id = i.account_id
    where c.shop_id = :shop_id and to_char(c.birthday, 'MMDD') = any(:days)
), due as (
    select account_id from born b
    where not exists (
        select from actions d join accounts a on a.shop_id = d.shop_id and a.id = d.account_id
        where d.shop_id = :shop_id and d.kind = :kind and coalesce(a.merged_into, a.id) = b.account_id
            and d.business_at > :too_soon
    )
)
insert into actions (shop_id, kind, key, account_id, business_at, recorded_at)
select :shop_id, :kind, account_id || ':' || :year, account_id, :at, :now from due
on conflict do nothing
returning account_id
""")


def _celebrate_day(runtime: Runtime, program: ProgramRules, day: date) -> None:
    at = start_of(day, program.zone)
    rules = program.at(at)
    with runtime.database.shop(program.shop_id) as session:
        # Another worker may be doing the same: the second waits here, and then finds the day done.
        if session.scalar(_MARK, {"shop_id": program.shop_id, "day": day}) is None:
            return
        if rules is not None and BIRTHDAY in rules.actions:
            accounts = _record(session, program, day)
            for first in range(0, len(accounts), _SETTLED_AT_ONCE):
                some = accounts[first : first + _SETTLED_AT_ONCE]
                service.settle(session, [(program.shop_id, account) for account in some])
            log.info("birthdays", shop=program.shop_id, accounts=len(accounts))


def _record(session: Session, program: ProgramRules, day: date) -> list[int]:
    at = start_of(day, program.zone)
    parameters = {
        "shop_id": program.shop_id,
        "kind": BIRTHDAY,
        "days": _celebrated_on(day),
        "year": str(day.year),
        "at": at,
        "too_soon": at - timedelta(days=300),
        "now": clock.now(),
    }
    return sorted(session.scalars(_RECORD, parameters))


def _celebrated_on(day: date) -> list[str]:
    """The dates of birth, as month and day, whose birthday a day is."""
    leap = date(2000, 2, 29)
    born = {day} | ({leap} if birthday_in(leap, day.year) == day else set())
    return sorted(f"{one:%m%d}" for one in born)
