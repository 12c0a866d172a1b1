"""The statement of a query finds whom the plain reading in Python finds, and stays on indexes behind the wall."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from app.loyalty.dates import start_of
from app.runtime import Runtime
from app.segments.checking import read
from app.segments.compiling import Calendar, compile_query
from app.segments.days import crossings, day_meant
from app.segments.evaluating import holds
from app.segments.models import SegmentProfile
from app.segments.syntax import Node, Offset
from app.shops.models import Shop
from tests.segments.drawing import TODAY, ZONES, calendars, profiles, queries
from tests.soak_page import write_section

BERLIN = Calendar(TODAY, ZoneInfo("Europe/Berlin"), "USD")
SOMEBODY: dict[str, Any] = {
    "customer_id": 1, "orders": 0, "spent_minor": 0, "points": 0, "member": False, "interval_days": None,
    "added_at": None, "first_order_at": None, "last_order_at": None, "at_risk_at": None, "email_status": "SUBSCRIBED",
    "sms_status": "NOT_SUBSCRIBED", "account_status": None, "email_domain": None, "language": None, "countries": [],
    "regions": [], "cities": [], "tags": [],
}  # fmt: skip


def found(session: Session, shop: Shop, node: Node, calendar: Calendar) -> list[int]:
    """The accounts that the statement finds."""
    condition = compile_query(node, calendar)
    statement = f"select account_id from segment_profiles p where shop_id = :shop and ({condition.sql}) order by 1"
    return list(session.execute(text(statement), {"shop": shop.id, **condition.parameters}).scalars())


def compare(runtime: Runtime, shop: Shop, cases: int) -> None:
    """So many drawn cases of some queries and some people each, everything rolled back."""

    @settings(max_examples=cases, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def law(data: st.DataObject) -> None:
        calendar = data.draw(calendars)
        people = data.draw(st.lists(profiles(calendar.zone), min_size=5, max_size=8))
        with runtime.database.shop(shop.id) as session:
            session.execute(
                insert(SegmentProfile), [{"shop_id": shop.id, "account_id": n, **one} for n, one in enumerate(people)]
            )
            for node in data.draw(st.lists(queries, min_size=4, max_size=6)):
                expected = [n for n, one in enumerate(people) if holds(node, one, calendar)]
                assert found(session, shop, node, calendar) == expected, str(node)
            session.rollback()

    law()


@pytest.mark.requirement(10, partly=True)
def test_statement_and_plain_reading_find_the_same(runtime: Runtime, shop: Shop) -> None:
    compare(runtime, shop, 20)


@pytest.mark.soak
@pytest.mark.timeout(1_200)
def test_statement_and_plain_reading_find_the_same_in_many_cases(runtime: Runtime, shop: Shop) -> None:
    compare(runtime, shop, 3_000)
    write_section(
        "Segments: the statement of a query and its plain reading",
        "3,000 cases of four to six drawn queries over five to eight drawn people, in six zones and two currencies: "
        "both found the same people.",
    )


@pytest.mark.parametrize(
    ("query", "known", "unknown"),
    [
        ("last_order_date < 2026-01-01", False, False),
        ("NOT last_order_date < 2026-01-01", True, True),
        ("last_order_date != 2026-01-01", True, True),
        ("last_order_date IS NULL", False, True),
        ("customer_email_domain != 'gmail.com'", False, True),
        ("customer_countries NOT CONTAINS 'fi'", False, True),
        ("customer_countries CONTAINS 'fi'", True, False),
        ("customer_countries IS NOT NULL", True, False),
    ],
)
def test_what_is_not_known_fits_no_clause_but_those_that_exclude(query: str, known: bool, unknown: bool) -> None:
    full = SOMEBODY | {
        "last_order_at": start_of(date(2026, 2, 1), BERLIN.zone),
        "email_domain": "gmail.com",
        "countries": ["FI"],
    }
    node = read(query)
    assert (holds(node, full, BERLIN), holds(node, SOMEBODY, BERLIN)) == (known, unknown)


def test_a_day_is_the_shops_day() -> None:
    """An order at 23:30 of the 30th in Berlin is of the 30th there and of the 30th at 22:30 in UTC."""
    late = {**SOMEBODY, "last_order_at": start_of(date(2026, 1, 31), BERLIN.zone)}
    assert holds(read("last_order_date = 2026-01-31"), late, BERLIN)
    utc = Calendar(TODAY, ZoneInfo("UTC"), "USD")
    assert holds(read("last_order_date = 2026-01-30"), late, utc)
    condition = compile_query(read("last_order_date = 2026-01-31"), BERLIN)
    assert [moment.isoformat() for moment in condition.parameters.values()] == [
        "2026-01-30T23:00:00+00:00",
        "2026-01-31T23:00:00+00:00",
    ]


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (Offset(-30, "d"), date(2026, 3, 1)),
        (Offset(-2, "w"), date(2026, 3, 17)),
        (Offset(-1, "m"), date(2026, 2, 28)),
        (Offset(1, "y"), date(2027, 3, 31)),
        (Offset(0, "d"), TODAY),
    ],
)
def test_offsets_are_whole_days_and_months_that_are_too_short_give_their_last(value: Offset, day: date) -> None:
    assert day_meant(value, TODAY) == day


def test_money_is_in_units_of_the_shops_currency() -> None:
    assert compile_query(read("amount_spent > 100.50"), BERLIN).parameters == {"q0": 10_050}
    yen = Calendar(TODAY, BERLIN.zone, "JPY")
    assert compile_query(read("amount_spent > 100"), yen).parameters == {"q0": 100}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(queries, st.data())
def test_whom_no_day_crosses_the_calendar_does_not_move(node: Node, data: st.DataObject) -> None:
    """What the clock's step leaves out fits before as it does after."""
    zone = ZoneInfo(data.draw(st.sampled_from(ZONES)))
    one = data.draw(profiles(zone))
    before = Calendar(data.draw(st.dates(date(2026, 2, 20), date(2026, 3, 31))), zone, "USD")
    after = Calendar(TODAY, zone, "USD")
    crossed = any(
        one[crossing.column] is not None and crossing.since <= one[crossing.column] < crossing.until
        for crossing in crossings(node, before.today, after.today, zone)
    )
    if not crossed:
        assert holds(node, one, before) == holds(node, one, after)


_PEOPLE = text("""
insert into segment_profiles (shop_id, account_id, orders, spent_minor, points, member, last_order_at, email_status,
                              sms_status, countries)
select :shop, n, 0, 0, 0, false, timestamptz '2020-01-01Z' + n * interval '1 day', '', '', '{}'
from generate_series(1, 3000) n
""")


def test_days_use_their_index_behind_the_wall(runtime: Runtime, shop: Shop) -> None:
    condition = compile_query(read("last_order_date >= 2026-01-01 AND last_order_date < 2026-02-01"), BERLIN)
    with runtime.database.system() as session:
        session.execute(_PEOPLE, {"shop": shop.id})
        session.execute(text("analyze segment_profiles"))
    with runtime.database.shop(shop.id) as session:
        plan = session.execute(
            text(f"explain select count(*) from segment_profiles p where shop_id = :shop and ({condition.sql})"),
            {"shop": shop.id, **condition.parameters},
        )
        lines = " ".join(plan.scalars())
    assert "segment_profiles_last_order_at_ix" in lines
    assert "last_order_at >=" in lines.partition("Index Cond")[2]
