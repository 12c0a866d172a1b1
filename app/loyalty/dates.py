"""Days and months as a shop counts them: in its own time zone, whole days, across daylight saving and short months.

Used for waiting times, expiry, caps a day and birthdays. Pure. Nothing here ever gives an instant that is earlier than
the merchant's words promise: "after 90 days" ends with the ninetieth day, not in the middle of it.
"""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The shop's calendar day of an instant."""
    return instant.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day in a zone, in UTC; where the clock skips midnight, the first instant that exists."""
    # fold=0 reads a midnight that does not exist with the offset before the change, which is the moment of the change.
    return datetime.combine(day, time(), zone).astimezone(UTC)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a day is over: the first one of the next."""
    return start_of(day + timedelta(days=1), zone)


def after_days(instant: datetime, days: int, zone: ZoneInfo) -> datetime:
    """When so many whole days after the day of `instant` are over; 0 days is `instant` itself."""
    return end_of(day_of(instant, zone) + timedelta(days=days), zone) if days else instant


def after_months(instant: datetime, months: int, zone: ZoneInfo) -> datetime:
    """When the same day so many months later is over; a month that is too short gives its last day."""
    return end_of(plus_months(day_of(instant, zone), months), zone)


def plus_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def birthday_in(born: date, year: int) -> date:
    """The birthday in a year. Who was born on 29 February has it on the 28th in other years: in the month of birth."""
    return date(year, born.month, min(born.day, calendar.monthrange(year, born.month)[1]))
