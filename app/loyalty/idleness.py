"""When an account has been idle for too long, where the rules let points expire by inactivity.

Signs of life are orders that are paid and no tests, actions that a rule names, and whatever a person posted:
redemptions and their return, points given or taken by hand, imports. The rules in force at the last of them say how
long the account may rest; the end falls on the end of a day in the shop's zone. All lots without an end of their own
that the account had by then are over at that instant.

Called by `app.loyalty.service` (settle, adjust) and by redemptions. A program without such rules costs nothing here.
What must stay true: lapses follow from the facts alone, so a batch of orders that comes late loses the same points as
one that came in time. An expiry that was posted stands, even if an order that is told later would have prevented it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.loyalty import ledger
from app.loyalty.dates import after_days, after_months
from app.loyalty.facts import AccountFacts
from app.loyalty.lots import AccountLots, Holder
from app.loyalty.programs import ProgramRules, program_rules
from app.sql import rows


def knows_idleness(program: ProgramRules) -> bool:
    """Whether some version of the program's rules lets points expire by inactivity."""
    return any(rules.expiry is not None and rules.expiry.kind == "inactivity" for rules in program.versions)


def idle_end(program: ProgramRules, active_at: datetime) -> datetime | None:
    """When an account last active at an instant will have been idle for too long; None: never."""
    rules = program.at(active_at)
    if rules is None or rules.expiry is None or rules.expiry.kind != "inactivity":
        return None
    if rules.expiry.months:
        return after_months(active_at, rules.expiry.months, program.zone)
    return after_days(active_at, rules.expiry.days, program.zone)


def lapses(program: ProgramRules, active: Iterable[datetime]) -> list[datetime]:
    """The ends that no sign of life came before, oldest first. The last may lie in the future."""
    instants = sorted(set(active))
    found = [
        end for at, following in pairwise(instants) if (end := idle_end(program, at)) is not None and end <= following
    ]
    last = idle_end(program, instants[-1]) if instants else None
    return found if last is None else [*found, last]


def follow(
    session: Session,
    programs: Mapping[int, ProgramRules],
    holders: Sequence[Holder],
    facts: Mapping[tuple[int, int], AccountFacts],
    lots: Mapping[Holder, AccountLots],
) -> int:
    """Post what lapsed, and move the ends to come, of accounts that are locked and settled; returns the entries."""
    concerned = [holder for holder in holders if knows_idleness(programs[holder.shop_id])]
    if not concerned:
        return 0
    now, signs = clock.now(), _posted_by_people(session, concerned)
    postings, ends = [], {}
    for holder in concerned:
        active = signs[holder] + _active(facts[holder.shop_id, holder.account_id])
        ended = lapses(programs[holder.shop_id], active)
        postings += _lapsed(holder, lots[holder], ended, now)
        ends[holder] = lots[holder].idle_at = ended[-1] if ended and ended[-1] > now else None
    ledger.post(session, postings, lots)
    _note_ends(session, ends)
    return len(postings)


def renew(session: Session, active: Mapping[Holder, datetime]) -> None:
    """Locked accounts showed a sign of life outside of their orders and actions: a redemption, points by hand."""
    programs = program_rules(session, {holder.shop_id for holder in active})
    ends = {
        holder: end
        for holder, at in active.items()
        if knows_idleness(programs[holder.shop_id]) and (end := idle_end(programs[holder.shop_id], at))
    }
    _note_ends(session, ends, only_later=True)


def _active(facts: AccountFacts) -> list[datetime]:
    orders = [order.business_at for order in facts.orders if order.paid and not order.test]
    return orders + [action.business_at for action in facts.actions]


def _lapsed(holder: Holder, lots: AccountLots, ended: Sequence[datetime], now: datetime) -> list[ledger.Posting]:
    """Each lot goes at the first lapse after it came."""
    resting = (lot for lot in lots.lots.values() if lot.remaining and lot.expires_at is None)
    ends = [(next((end for end in ended if lot.available_at < end <= now), None), lot) for lot in resting]
    return [ledger.expired(holder, lot, end) for end, lot in ends if end is not None]


_SIGNS = text("""
select e.shop_id, e.program_id, e.account_id, e.business_at
from jsonb_to_recordset(cast(:holders as jsonb)) as h(shop_id bigint, program_id bigint, account_id bigint)
join ledger_entries e using (shop_id, program_id, account_id)
where e.source_kind not in ('order', 'action', 'referral', 'expiry', 'forgiven')
""")
_ENDS = text("""
update balances b set idle_at = r.idle_at
from jsonb_to_recordset(cast(:rows as jsonb)) as r(
    shop_id bigint, program_id bigint, account_id bigint, idle_at timestamptz)
where (b.shop_id, b.program_id, b.account_id) = (r.shop_id, r.program_id, r.account_id)
    and b.idle_at is distinct from r.idle_at and not (:only_later and coalesce(b.idle_at > r.idle_at, false))
""")


def _posted_by_people(session: Session, holders: Iterable[Holder]) -> dict[Holder, list[datetime]]:
    found: dict[Holder, list[datetime]] = defaultdict(list)
    for row in session.execute(_SIGNS, {"holders": rows(holder._asdict() for holder in holders)}):
        found[Holder(row.shop_id, row.program_id, row.account_id)].append(row.business_at)
    return found


def _note_ends(session: Session, ends: Mapping[Holder, datetime | None], *, only_later: bool = False) -> None:
    if ends:
        changed = rows(holder._asdict() | {"idle_at": end} for holder, end in ends.items())
        session.execute(_ENDS, {"rows": changed, "only_later": only_later})
