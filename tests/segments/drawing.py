"""Queries and profiles drawn by Hypothesis: every attribute, operator and kind of value, near each other on purpose."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from app.segments.catalogue import ATTRIBUTES, DATE, LIST, MONEY, NUMBER, TEXT, TRUTH, AttributeType
from app.segments.compiling import Calendar
from app.segments.syntax import Attribute, Clause, Day, Group, Node, Not, Number, Offset, Text, Truth, Value

# Clocks go forward at midnight in Beirut, so that one day has no first hour.
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Asia/Beirut", "Pacific/Auckland", "UTC")
TODAY = date(2026, 3, 31)
WORDS = ("gmail.com", "Example.com", "fi", "FI", "de", "en", "o'hara\\", "ü")

numbers = st.integers(-2, 4).map(lambda n: Number(Decimal(n)))
amounts = st.sampled_from(["0", "1", "1.00", "1.5", "2.995", "100.50", "-1"]).map(lambda text: Number(Decimal(text)))
days = st.integers(-40, 40).map(lambda n: Day(TODAY + timedelta(days=n)))
offsets = st.tuples(st.integers(-40, 3), st.sampled_from("dwmy")).map(
    lambda pair: Offset(pair[0], pair[1] if pair[0] else "d")
)
_LISTS = {"countries": str.upper, "regions": str.upper, "cities": str.lower, "tags": str.casefold}
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    NUMBER: numbers,
    MONEY: amounts,
    DATE: days | offsets,
    TEXT: st.sampled_from(WORDS).map(Text),
    LIST: st.sampled_from(WORDS).map(Text),
    TRUTH: st.booleans().map(Truth),
}


def values(attribute: AttributeType) -> st.SearchStrategy[Value]:
    """A value that the attribute takes."""
    return st.sampled_from(attribute.words).map(Text) if attribute.words else _VALUES[attribute.kind]


@st.composite
def clauses(draw: st.DrawFn) -> Clause:
    """A clause that makes sense."""
    attribute = draw(st.sampled_from(list(ATTRIBUTES.values())))
    operator = draw(st.sampled_from(attribute.operators))
    count = 0 if operator.startswith("IS") else 2 if operator == "BETWEEN" else 1
    given = tuple(draw(values(attribute)) for _ in range(count))
    return Clause(Attribute(attribute.name), operator, given)


def _grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    groups = st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3).map(tuple))
    return inner.map(Not) | groups.map(lambda pair: Group(*pair))


queries: st.SearchStrategy[Node] = st.recursive(clauses(), _grown, max_leaves=6)
calendars = st.builds(Calendar, st.just(TODAY), st.sampled_from(ZONES).map(ZoneInfo), st.sampled_from(["USD", "JPY"]))


def near(day: date, zone: ZoneInfo) -> st.SearchStrategy[datetime]:
    """Instants of days near a day, many of them at a midnight of the zone or a microsecond beside it."""
    midnight = st.integers(-45, 10).map(
        lambda n: datetime.combine(day + timedelta(days=n), datetime.min.time(), zone).astimezone(UTC)
    )
    beside = st.sampled_from([timedelta(), timedelta(microseconds=-1), timedelta(hours=1), timedelta(hours=13)])
    return st.tuples(midnight, beside).map(lambda pair: pair[0] + pair[1])


def profiles(zone: ZoneInfo) -> st.SearchStrategy[dict[str, Any]]:
    """What queries may ask of somebody: the columns of `segment_profiles` but its key."""
    small, instant = st.integers(0, 3), st.none() | near(TODAY, zone)
    columns = {
        "customer_id": st.none() | st.integers(1, 9),
        "orders": small,
        "spent_minor": st.sampled_from([0, 1, 100, 150, 299, 300, 10_050]),
        "points": st.integers(-2, 4),
        "member": st.booleans(),
        "interval_days": st.none() | small,
        "added_at": instant,
        "first_order_at": instant,
        "last_order_at": instant,
        "at_risk_at": instant,
        "email_status": st.sampled_from(ATTRIBUTES["email_subscription_status"].words),
        "sms_status": st.sampled_from(ATTRIBUTES["sms_subscription_status"].words),
        "account_status": st.none() | st.sampled_from(ATTRIBUTES["customer_account_status"].words),
        "email_domain": st.none() | st.sampled_from(WORDS).map(str.lower),
        "language": st.none() | st.sampled_from(WORDS).map(str.lower),
        **{name: st.lists(st.sampled_from(WORDS).map(fold), max_size=2) for name, fold in _LISTS.items()},
    }
    return st.fixed_dictionaries(columns)
