"""Keeping a shop's segments at what its facts and its calendar say: by events, by the clock, or everything at once.

The job `segments.follow` calls `step` until nothing is left. One transaction a step: the shop's row is locked, dirty
accounts are taken, their profiles renewed, and each segment is asked once about them and about those whom the calendar
may have moved. What stays the same costs nothing, so a step that is repeated does no harm.

While a shop's history is imported nobody enters or leaves by it: steps go on, untold, and when the import is over
everybody is looked at once more, so that nothing it left behind is told later.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock
from app.loyalty.dates import day_of, start_of
from app.segments import membership, profiles
from app.segments.checking import read
from app.segments.compiling import Calendar, compile_query
from app.segments.days import crossings, follows_the_clock
from app.segments.membership import Moved
from app.segments.models import Segment, SegmentShop
from app.segments.profiles import EVERYBODY, Scope
from app.segments.syntax import Node, QueryError
from app.shops.models import Shop

log = structlog.get_logger()

# Accounts a step looks at. Whoever changes a definition meanwhile waits for one step.
STEP = 2_000
# From so many on, looking at everybody is quicker than looking for each.
_MANY = 50_000


def calendar_of(shop: Shop, now: datetime) -> Calendar:
    """Today, zone and money of a shop."""
    zone = ZoneInfo(shop.timezone)
    return Calendar(today=day_of(now, zone), zone=zone, currency=shop.currency)


_TAKE = text("""
delete from segment_changes where shop_id = :shop and id in
    (select id from segment_changes where shop_id = :shop order by id limit :most)
returning account_id
""")
_TAKE_ALL = text("delete from segment_changes where shop_id = :shop")
_IMPORTING = text("""
select exists (select from intake_runs where shop_id = :shop and kind = 'import' and finished_at is null)
""")


@dataclass(frozen=True)
class Step:
    """What a step did. `more`: there may be more to do at once."""

    entered: int
    left: int
    more: bool


def step(session: Session, shop_id: int) -> Step:
    """One step; the session may be a shop's or a system one. A shop without segments has none to follow."""
    held = session.get(SegmentShop, shop_id, with_for_update=True, populate_existing=True)
    if held is None:
        return Step(0, 0, more=False)
    shop = session.get_one(Shop, shop_id)
    if session.execute(_IMPORTING, {"shop": shop_id}).scalar_one():
        held.zone = None
        return _Turn(session, shop, held).some(told=False)
    if held.zone != shop.timezone:
        return _Turn(session, shop, held).everything()
    return _Turn(session, shop, held).some()


class _Turn:
    """One step over one shop, under its lock."""

    def __init__(self, session: Session, shop: Shop, held: SegmentShop) -> None:
        self._session, self._shop, self._held = session, shop, held
        self._now = clock.now()
        # Compiling a plan takes longer than running it; sorts of a whole shop stay in memory.
        session.execute(text("select set_config('jit', 'off', true), set_config('work_mem', '64MB', true)"))
        self._calendar = calendar_of(shop, self._now)

    def everything(self) -> Step:
        """Profiles and members from nothing. Told only when the shop has moved to another zone, and so its days."""
        told = self._held.zone is not None
        self._session.execute(_TAKE_ALL, {"shop": self._shop.id})
        profiles.refresh(self._session, self._shop.id, EVERYBODY, self._shop.timezone)
        moved = [self._bring(segment, node, EVERYBODY, told=told) for segment, node in self._segments()]
        self._held.zone = self._shop.timezone
        return self._end(moved, more=False)

    def some(self, *, told: bool = True) -> Step:
        """Whoever is noted, and whoever the calendar may have moved."""
        taken = self._session.execute(_TAKE, {"shop": self._shop.id, "most": STEP}).scalars().all()
        dirty = set(taken)
        if dirty:
            profiles.refresh(self._session, self._shop.id, Scope(sorted(dirty)), self._shop.timezone)
        moved = []
        for segment, node in self._segments():
            scope = self._scope(segment, node, dirty)
            if scope.accounts is None or scope.accounts:
                new = segment.evaluated_on is None
                moved.append(self._bring(segment, node, scope, told=told and not new))
            segment.evaluated_on = self._calendar.today
        return self._end(moved, more=len(taken) == STEP)

    def _segments(self) -> list[tuple[Segment, Node]]:
        found = select(Segment).where(Segment.shop_id == self._shop.id).order_by(Segment.id)
        readable = []
        for segment in self._session.scalars(found):
            try:
                readable.append((segment, read(segment.query)))
            except QueryError:
                # Written by a later version that knows more; its members stay as they are.
                log.warning("segment cannot be read", shop=self._shop.id, segment=segment.id)
        return readable

    def _scope(self, segment: Segment, node: Node, dirty: set[int]) -> Scope:
        before, today = segment.evaluated_on, self._calendar.today
        if before is None:
            return EVERYBODY
        if before == today:
            return Scope(sorted(dirty))
        moving = crossings(node, before, today, self._calendar.zone)
        accounts = dirty | membership.crossed(self._session, self._shop.id, moving)
        return Scope(sorted(accounts)) if len(accounts) <= _MANY else EVERYBODY

    def _bring(self, segment: Segment, node: Node, scope: Scope, *, told: bool) -> Moved:
        new = segment.evaluated_on is None
        condition = compile_query(node, self._calendar)
        moved = membership.bring(self._session, self._held, segment, condition, scope, self._now, told=told)
        segment.evaluated_on = self._calendar.today
        if moved.entered or moved.left or new:
            self._session.flush()
            shown = moved if told else Moved(0, 0)
            membership.count(self._session, segment, self._calendar.today, shown)
        return moved

    def _end(self, moved: list[Moved], *, more: bool) -> Step:
        self._held.due_at = self._next_midnight() if any(follows_the_clock(n) for _, n in self._segments()) else None
        self._session.flush()
        return Step(sum(one.entered for one in moved), sum(one.left for one in moved), more=more)

    def _next_midnight(self) -> datetime:
        tomorrow: date = self._calendar.today + timedelta(days=1)
        return start_of(tomorrow, self._calendar.zone)
