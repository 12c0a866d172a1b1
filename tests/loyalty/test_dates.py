"""Days and months of shops, in every zone and across every change of clocks."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.loyalty.dates import after_days, after_months, day_of, end_of, plus_months, start_of
from app.loyalty.fold import lot_dates
from app.loyalty.lots import AccountLots, Source
from app.loyalty.programs import ProgramRules
from app.loyalty.rules import Expiry, Rules
from tests.soak_page import write_section

ZONES = sorted(available_timezones() - {"localtime"})
# Midnights that do not exist, a day that does not exist, half hours, a change at midnight back to yesterday.
STRANGE = [
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Asia/Beirut",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Gaza",
    "America/Asuncion",
    "Antarctica/Troll",
]
zones = (st.sampled_from(STRANGE) | st.sampled_from(ZONES)).map(ZoneInfo)
# From 1995 to 2040, as seconds.
instants = st.integers(788_918_400, 2_208_988_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))

# The seconds around changes of the clock that took midnight, or a whole day, away.
SKIPPED = [
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2014, 5, 15, 22, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2021, 3, 27, 22, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
]


def the_promised_days_are_over_in_no_zone_before_their_end(zone: ZoneInfo, instant: datetime, days: int) -> None:
    end = after_days(instant, days, zone)
    last = day_of(instant, zone) + timedelta(days=days)
    assert day_of(end, zone) > last
    # A second earlier the last day still ran, unless the zone left that day out.
    assert day_of(end - timedelta(seconds=1), zone) <= last
    assert day_of(end - timedelta(seconds=1), zone) >= last - timedelta(days=1)


def the_promised_months_are_over_in_no_zone_before_their_end(zone: ZoneInfo, instant: datetime, months: int) -> None:
    end = after_months(instant, months, zone)
    last = plus_months(day_of(instant, zone), months)
    assert day_of(end, zone) > last
    assert day_of(end - timedelta(seconds=1), zone) <= last


def days_follow_each_other_without_gap_or_overlap(zone: ZoneInfo, instant: datetime) -> None:
    day = day_of(instant, zone)
    assert start_of(day, zone) <= instant < end_of(day, zone)
    assert end_of(day, zone) == start_of(day + timedelta(days=1), zone)


def points_can_be_spent_until_their_last_microsecond_and_not_after_it(
    zone: ZoneInfo, earned: datetime, waiting: int, living: int
) -> None:
    rules = Rules(version=1, in_force_from=None, earning=(), waiting_days=waiting, expiry=Expiry("after", days=living))
    program = ProgramRules(shop_id=1, program_id=1, versions=(rules,), zone=zone)
    dates, lots = lot_dates(program, rules, earned), AccountLots()
    lots.post(Source("order", "1"), 10, earned, dates)
    assert dates.expires_at is not None
    free, end, tick = dates.available_at, dates.expires_at, timedelta(microseconds=1)
    assert [lots.available(at) for at in (free - tick, free, end - tick, end)] == [0, 10, 10, 0]
    # All of as many whole days as were promised, counted by the shop's calendar.
    assert (day_of(end, zone) - day_of(free, zone)).days > living
    assert waiting == 0 or (day_of(free, zone) - day_of(earned, zone)).days > waiting


LAWS: dict[Callable[..., None], tuple[st.SearchStrategy[Any], ...]] = {
    the_promised_days_are_over_in_no_zone_before_their_end: (zones, instants, st.integers(1, 400)),
    the_promised_months_are_over_in_no_zone_before_their_end: (zones, instants, st.integers(1, 60)),
    days_follow_each_other_without_gap_or_overlap: (zones, instants),
    points_can_be_spent_until_their_last_microsecond_and_not_after_it: (
        zones,
        instants,
        st.integers(0, 60),
        st.integers(1, 400),
    ),
}


def check(law: Callable[..., None], cases: int) -> None:
    settings(max_examples=cases, deadline=None)(given(*LAWS[law])(law))()


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_nothing_expires_before_its_instant(law: Callable[..., None]) -> None:
    check(law, 100)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_nothing_expires_before_its_instant_at_full_size() -> None:
    for law in LAWS:
        check(law, 20_000)
    write_section(
        "Nothing expires before its instant",
        f"{len(LAWS)} laws of days, months and lots held under 20,000 generated cases each, in {len(ZONES)} time zones"
        " from 1995 to 2040, with those preferred whose clocks skip or repeat a midnight or a day.",
    )


@pytest.mark.parametrize(("name", "change"), SKIPPED)
@pytest.mark.parametrize("seconds", [-1, 0, 1])
@pytest.mark.parametrize("days", [1, 2, 30])
def test_a_change_of_clocks_at_midnight_takes_no_second_away(
    name: str, change: datetime, seconds: int, days: int
) -> None:
    zone = ZoneInfo(name)
    earned = change + timedelta(seconds=seconds) - timedelta(days=days)
    end = after_days(earned, days, zone)
    last = day_of(earned, zone) + timedelta(days=days)
    assert day_of(end, zone) > last >= day_of(end - timedelta(seconds=1), zone)


def test_the_day_that_samoa_left_out_ends_when_it_would_have_begun() -> None:
    apia = ZoneInfo("Pacific/Apia")
    change = datetime(2011, 12, 30, 10, tzinfo=UTC)
    assert start_of(date(2011, 12, 30), apia) == end_of(date(2011, 12, 30), apia) == change
    assert end_of(date(2011, 12, 29), apia) == change


def test_a_midnight_that_does_not_exist_is_the_moment_of_the_change() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    assert start_of(date(2018, 11, 4), sao_paulo) == datetime(2018, 11, 4, 3, tzinfo=UTC)
    assert end_of(date(2018, 11, 3), sao_paulo) == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_a_midnight_that_comes_twice_begins_its_day_the_first_time() -> None:
    havana = ZoneInfo("America/Havana")
    # At one o'clock on 4 November 2018 it became midnight again.
    assert start_of(date(2018, 11, 4), havana) == datetime(2018, 11, 4, 4, tzinfo=UTC)


@example(date(2024, 1, 31), 1)
@given(st.dates(date(2000, 1, 1), date(2050, 1, 1)), st.integers(0, 1200))
def test_months_keep_the_day_or_end_with_a_shorter_month(day: date, months: int) -> None:
    found = plus_months(day, months)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day == day.day or (found.day < day.day and (found + timedelta(days=1)).day == 1)
