"""What the days in a query are: of the shop's calendar, counted from its today.

Time alone changes who is in a segment only through these, and only at the shop's midnights; `crossings` says which
customers that can concern, so that nobody else has to be looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.loyalty.dates import end_of, plus_months, start_of
from app.segments.catalogue import ATTRIBUTES
from app.segments.syntax import Day, Node, Offset, clauses

_MONTHS = {"m": 1, "y": 12}
_DAYS = {"d": 1, "w": 7}


def day_meant(value: Day | Offset, today: date) -> date:
    """The day that a value stands for. A month that is too short gives its last day."""
    if isinstance(value, Day):
        return value.value
    if value.unit in _MONTHS:
        return plus_months(today, value.count * _MONTHS[value.unit])
    return today + timedelta(days=value.count * _DAYS[value.unit])


def follows_the_clock(node: Node) -> bool:
    """Whether time alone can change who fits."""
    return any(isinstance(value, Offset) for clause in clauses(node) for value in clause.values)


@dataclass(frozen=True)
class Crossing:
    """Customers whose `column` is in [since, until) may fit today and not have fitted before, or the other way."""

    column: str
    since: datetime
    until: datetime


def crossings(node: Node, before: date, today: date, zone: ZoneInfo) -> Iterable[Crossing]:
    """For every moving day of a query, what it has moved over since the day `before` (either may be the later one).

    A day moves on with today, never back, so a customer whose own day lies outside has it on the same side as before.
    """
    for clause in clauses(node):
        for value in clause.values:
            if isinstance(value, Offset):
                days = sorted((day_meant(value, before), day_meant(value, today)))
                column = ATTRIBUTES[clause.attribute.name].column
                yield Crossing(column, start_of(days[0], zone), end_of(days[1], zone))
