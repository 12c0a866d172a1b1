"""What every customer of an invoice file should hold under three other programs, at any instant, from the file alone.

The judge of `make real-year`'s second part. Like `direct` it imports nothing of the application, of the development
store's commerce or of the replay, and shares with them the written rules only:

- goods are what is left of an invoice at the instant, POST is none, a point for a whole pound;
- orders are numbered by time and number, whatever came back of them; of an order without anything left nothing is
  rewarded; half a point counts as one where a factor leaves it;
- limits count in the order of business, over what is left, and a day is one of London;
- waiting for 14 days ends with the fourteenth day after the day of the order, 90 days end with the ninetieth after the
  day on which the points could be spent first.

Instants are UTC without a zone, as the file's are.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dev_store.history.direct import Purchase

LONDON = ZoneInfo("Europe/London")


class Held(NamedTuple):
    """Points of a customer; `pending` is the part of them that waits."""

    points: int
    pending: int = 0


def limited(
    bought: Iterable[Purchase], at: datetime, *, without: frozenset[str], an_order: int, a_day: int
) -> dict[int, Held]:
    """A point a pound, some stock codes excluded, at most so many an order and a day."""
    totals: dict[int, int] = defaultdict(int)
    days: dict[tuple[int, date], int] = defaultdict(int)
    for order in _until(bought, at):
        day = (order.customer, _day(order.at))
        points = min(_pence(order, at, without) // 100, an_order, a_day - days[day])
        days[day] += points
        totals[order.customer] += points
    return {customer: Held(points) for customer, points in totals.items()}


def numbered(
    bought: Iterable[Purchase],
    at: datetime,
    *,
    bonus: int,
    orders: frozenset[int],
    every: int,
    window: tuple[datetime, datetime],
) -> dict[int, Held]:
    """A point a pound, a bonus for some orders by number, one and a half times all of it in a window of time."""
    totals: dict[int, int] = defaultdict(int)
    numbers: dict[int, int] = defaultdict(int)
    for order in _until(bought, at):
        numbers[order.customer] += 1
        number, pence = numbers[order.customer], _pence(order, at)
        points = pence // 100
        if pence and (number in orders or number % every == 0):
            points += bonus
        if window[0] <= order.at < window[1]:
            points = (3 * points + 1) // 2
        totals[order.customer] += points
    return {customer: Held(points) for customer, points in totals.items()}


def passing(bought: Iterable[Purchase], at: datetime, *, waiting: int, living: int) -> dict[int, Held]:
    """A point a pound that waits for some days and then lives for some."""
    totals: dict[int, int] = defaultdict(int)
    pending: dict[int, int] = defaultdict(int)
    for order in _until(bought, at):
        free = _day(order.at) + timedelta(days=waiting + 1)
        over = free + timedelta(days=living + 1)
        points = _pence(order, at) // 100 if at < _begin(over) else 0
        totals[order.customer] += points
        pending[order.customer] += points if at < _begin(free) else 0
    return {customer: Held(points, pending[customer]) for customer, points in totals.items()}


def _until(bought: Iterable[Purchase], at: datetime) -> Iterator[Purchase]:
    yield from sorted((order for order in bought if order.at <= at), key=lambda order: (order.at, order.number))


def _pence(order: Purchase, at: datetime, without: frozenset[str] = frozenset()) -> int:
    """What is left of an order's goods at an instant."""
    paid = sum(pence for code, pence in order.goods if code not in without)
    return paid - sum(pence for moment, code, pence in order.back if moment <= at and code not in without)


def _day(at: datetime) -> date:
    return at.replace(tzinfo=UTC).astimezone(LONDON).date()


def _begin(day: date) -> datetime:
    """London's clocks change at one in the morning, so every midnight is there once."""
    return datetime.combine(day, time(), LONDON).astimezone(UTC).replace(tzinfo=None)
