"""When a small shop sells: the year, the week and the day. Called by `year`; pure."""

from datetime import datetime, timedelta
from random import Random

# January to December: quiet after Christmas, spring planting, a summer dip, gifts in November and December.
_MONTHS = (0.62, 0.78, 1.05, 1.28, 1.30, 1.00, 0.78, 0.72, 0.90, 0.98, 1.45, 1.62)
_WEEKDAYS = (1.06, 0.96, 0.95, 1.0, 0.98, 0.94, 1.18)
_HOURS = (3, 2, 1, 1, 1, 2, 5, 9, 13, 15, 16, 18, 22, 19, 16, 15, 16, 18, 22, 27, 30, 26, 16, 8)
_SALE_DAYS = {(11, 27): 2.6, (11, 28): 2.8, (11, 30): 2.2, (5, 2): 1.8}


def moments(rng: Random, *, count: int, start: datetime, days: int) -> list[datetime]:
    """`count` instants in time order, whole seconds, spread as a shop's orders are. The first day is left free."""
    dates = [start + timedelta(days=number) for number in range(1, days)]
    chosen = rng.choices(dates, weights=[_busyness(date) for date in dates], k=count)
    return sorted(_within(rng, date) for date in chosen)


def _busyness(date: datetime) -> float:
    return _MONTHS[date.month - 1] * _WEEKDAYS[date.weekday()] * _SALE_DAYS.get((date.month, date.day), 1.0)


def _within(rng: Random, date: datetime) -> datetime:
    hour = rng.choices(range(24), weights=_HOURS)[0]
    return date.replace(hour=hour, minute=rng.randrange(60), second=rng.randrange(60), microsecond=0)
