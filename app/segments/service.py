"""Segments are listed, defined, changed and removed here; who is in them, and why, is asked of `queries`.

Pages and the API call both. Everything takes the session and the shop; nothing commits.

A definition that is new or changed takes effect with the next step of the job (`members` is None until then): counting
a million takes longer than a page may. What is wrong with its words is told with line and column, as Shopify does.
"""

from collections.abc import Sequence

from psycopg.errors import LockNotAvailable
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import clock
from app.errors import Conflict, Invalid, NotFound, Unprocessable
from app.jobs import Planned, enqueue_all
from app.segments.checking import read
from app.segments.first import begin
from app.segments.models import Segment, SegmentDay, SegmentMember, SegmentShop
from app.segments.parser import LONGEST
from app.segments.syntax import Node, QueryError
from app.shops.models import Shop

# Shopify's own; ours, because every segment is asked at every step.
LONGEST_NAME = 255
MOST = 200


def listed(session: Session, shop_id: int, *, beyond: int = 0, limit: int = MOST) -> Sequence[Segment]:
    """The shop's segments after an id, in the order in which they were made, each with its count (`members`)."""
    found = select(Segment).where(Segment.shop_id == shop_id, Segment.id > beyond)
    return session.scalars(found.order_by(Segment.id).limit(limit)).all()


def get(session: Session, shop_id: int, segment_id: int) -> Segment:
    """A segment of this shop; raises NotFound."""
    segment = session.get(Segment, (shop_id, segment_id))
    if segment is None:
        raise NotFound(f"There is no segment {segment_id}.")
    return segment


def of_the_start(session: Session, shop_id: int, key: str) -> Segment | None:
    """One of the first segments by its key (`app.segments.first`), whatever it is called now; None when deleted."""
    return session.scalars(select(Segment).where(Segment.shop_id == shop_id, Segment.key == key)).first()


def create(session: Session, shop_id: int, *, name: str, query: str) -> Segment:
    """A segment; counted by a job at once. Raises Invalid for name or query, Unprocessable beyond MOST.

    A name that is taken gets a number behind it, as Shopify does.
    """
    _check(name, query)
    if (session.scalar(select(func.count()).where(Segment.shop_id == shop_id)) or 0) >= MOST:
        raise Unprocessable(
            f"A shop has {MOST} segments at most. Delete one that is not needed.", kind="too-many-segments"
        )
    now = clock.now()
    segment = Segment(
        shop_id=shop_id, name=_free_name(session, shop_id, name), query=query, created_at=now, updated_at=now
    )
    session.add(segment)
    session.flush()
    wake(session, [shop_id])
    return segment


def change(
    session: Session, shop_id: int, segment_id: int, *, name: str | None = None, query: str | None = None
) -> Segment:
    """Change what is given. Another query: whoever fits it is in it, and nobody has entered or left by that.

    Raises NotFound, Invalid, and Conflict while everybody is being looked at.
    """
    segment = get(session, shop_id, segment_id)
    _check(segment.name if name is None else name, segment.query if query is None else query)
    if name is not None and name != segment.name:
        segment.name = _free_name(session, shop_id, name)
    if query is not None and query != segment.query:
        _lock(session, shop_id)
        session.refresh(segment)
        segment.query, segment.evaluated_on, segment.members = query, None, None
        wake(session, [shop_id])
    segment.updated_at = clock.now()
    session.flush()
    return segment


def remove(session: Session, shop_id: int, segment_id: int) -> None:
    """Delete a segment, its members and its counts; transitions stay, they are numbered. Raises NotFound, Conflict."""
    segment = get(session, shop_id, segment_id)
    _lock(session, shop_id)
    session.delete(segment)
    for table in (SegmentMember, SegmentDay):
        session.execute(delete(table).where(table.shop_id == shop_id, table.segment_id == segment_id))
    session.flush()


def _check(name: str, query: str) -> Node:
    """Shopify looks at the query's grammar only when name and lengths are right."""
    wrong = []
    if not name.strip():
        wrong.append({"pointer": "/name", "detail": "Name can't be blank"})
    if len(name) > LONGEST_NAME:
        wrong.append({"pointer": "/name", "detail": f"Name is too long (maximum is {LONGEST_NAME} characters)"})
    if not query.strip():
        wrong.append({"pointer": "/query", "detail": "Query can't be blank"})
    if len(query) > LONGEST:
        wrong.append({"pointer": "/query", "detail": f"Query is too long (maximum is {LONGEST} characters)"})
    if wrong:
        raise Invalid(wrong[0]["detail"], kind="invalid-segment", errors=wrong)
    return checked(query)


def checked(query: str) -> Node:
    """The tree of a query; raises Invalid with one error for each fault, worded as Shopify words them."""
    try:
        return read(query)
    except QueryError as error:
        told = [{"pointer": "/query", "detail": f"Query {fault}"} for fault in error.faults]
        raise Invalid(told[0]["detail"], kind="invalid-segment-query", errors=told) from error


_LIKE = text("select lower(name) from segments where shop_id = :shop and starts_with(lower(name), lower(:name))")


def _free_name(session: Session, shop_id: int, name: str) -> str:
    taken = set(session.execute(_LIKE, {"shop": shop_id, "name": name[: LONGEST_NAME - 6]}).scalars())
    free, n = name, 1
    while free.lower() in taken:
        n += 1
        free = f"{name[: LONGEST_NAME - 6]} ({n})"
    return free


def _lock(session: Session, shop_id: int) -> None:
    """Keep steps away from the shop's segments until the transaction ends."""
    try:
        with session.begin_nested():
            session.execute(text("select set_config('lock_timeout', '1s', true)"))
            session.get(SegmentShop, shop_id, with_for_update=True, populate_existing=True)
    except DBAPIError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise Conflict("The shop's segments are being counted. Try again in a minute.") from error
        raise


def wake(session: Session, shop_ids: Sequence[int]) -> None:
    """Have these shops followed as soon as the transaction is through, each by one job at a time."""
    names = {one: f"segments.follow:{one}" for one in shop_ids}
    enqueue_all(
        session,
        # A second one would only wait for the first, in a place where other jobs could run.
        [Planned("segments.follow", {"shop_id": one}, queueing_lock=name, lock=name) for one, name in names.items()],
    )


_BEGUN_NOT = text("""
select id from shops s where state = 'installed' and not exists (select from segment_shops h where h.shop_id = s.id)
""")
# Also where the shop has moved to another zone, whose days are others.
_DUE = text("""
select id from shops s where exists (select from segment_changes c where c.shop_id = s.id)
union select shop_id from segment_shops where due_at <= :now
union select shop_id from segments where evaluated_on is null
union select h.shop_id from segment_shops h join shops s on s.id = h.shop_id where h.zone is distinct from s.timezone
""")


def wake_due(session: Session) -> None:
    """For the sweep: begin where a shop is new, and wake every shop with something to follow."""
    for shop_id in session.execute(_BEGUN_NOT).scalars().all():
        begin(session, session.get_one(Shop, shop_id))
    wake(session, sorted(session.execute(_DUE, {"now": clock.now()}).scalars().all()))
