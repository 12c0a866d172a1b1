"""Merges are facts: whatever their order, two accounts stand for one, and undone they are what they were."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.customers.conftest import People
from tests.webhooks.deliveries import START

ADA = "ada@example.com"
SOON = datetime(2099, 1, 1, tzinfo=UTC)
PAST = START + timedelta(days=1)


def test_facts_of_the_absorbed_account_are_carried_lot_by_lot_with_their_dates(people: People) -> None:
    with people.runtime.database.system() as session:
        kept, absorbed = people.of_customer(session, 7), people.of_customer(session, 8)
    people.post(absorbed, "import", 100, ends=SOON, key="a")
    people.post(absorbed, "adjustment", 40, key="b")
    people.post(absorbed, "redemption", -30, key="c")
    people.merged(7, 8)
    assert (people.points(kept), people.points(absorbed)) == (110, 0)
    picture = people.picture(kept)
    number = absorbed.account_id
    assert picture["balance"] == (110, 140), "what was spent does not lower lifetime points"
    assert picture["sources"] == [
        ("moved", f"{number}:adjustment:b", 40),
        ("moved", f"{number}:import:a", 100),
        ("moved_spending", f"{number}:import:a", -30),
    ]
    assert [(lot[1], lot[4]) for lot in picture["lots"]] == [
        (f"{number}:adjustment:b", "None"),
        (f"{number}:import:a", str(SOON)),
    ]
    assert people.agrees()


def test_what_had_expired_before_the_merge_takes_nothing_from_the_other_account(people: People) -> None:
    with people.runtime.database.system() as session:
        kept, absorbed = people.of_customer(session, 7), people.of_customer(session, 8)
    people.post(kept, "adjustment", 50, key="own")
    people.post(absorbed, "import", 100, ends=PAST, key="old")
    people.post(absorbed, "redemption", -30, key="c")
    people.post(absorbed, "expiry", -70, key="import:old")
    people.merged(7, 8)
    with people.runtime.database.system() as session:
        left = text("select source_id, remaining from lots where account_id = :a and remaining > 0")
        assert [tuple(row) for row in session.execute(left, {"a": kept.account_id})] == [("own", 50)]
    assert people.agrees()


def test_a_guests_points_by_hand_follow_the_customer_who_verifies_the_address(people: People) -> None:
    with people.runtime.database.system() as session:
        guest = people.of_guest(session, ADA)
    people.post(guest, "adjustment", 25)
    people.post(guest, "import", 75, ends=SOON)
    people.order(1, 5000, email=ADA)
    assert people.points(guest) == 150
    people.customer(7, ADA)
    assert (people.customers_points(7), people.points(guest)) == (150, 0)
    people.customer(7, "other@example.com")
    assert (people.customers_points(7), people.points(guest)) == (0, 150), "the address is nobody's again"
    people.customer(8, ADA)
    assert (people.customers_points(8), people.customers_points(7)) == (150, 0)
    people.gone(8)
    assert (people.customers_points(8), people.points(guest)) == (0, 150)
    assert people.agrees()


def test_an_address_that_nobody_verified_leads_to_no_customer(people: People) -> None:
    with people.runtime.database.system() as session:
        guest = people.of_guest(session, ADA)
    people.post(guest, "adjustment", 25)
    people.customer(7, ADA, verified_email=False)
    assert (people.customers_points(7), people.points(guest)) == (0, 25)


def test_a_chain_of_merges_parts_where_it_is_cut(people: People) -> None:
    with people.runtime.database.system() as session:
        holders = {customer: people.of_customer(session, customer) for customer in (7, 8, 9)}
    for customer, holder in holders.items():
        people.post(holder, "adjustment", customer)
        people.order(customer, customer * 1000, customer)
    people.merged(8, 9)
    people.merged(7, 8)
    assert people.customers_points(9) == sum((7, 8, 9)) + 10 * sum((7, 8, 9))
    with people.runtime.database.system() as session:
        [last] = session.execute(text("select id from account_merges order by id desc limit 1")).scalars()
        session.execute(text("update account_merges set kept = kept where id = :id"), {"id": last})
    _part(people, last)
    assert (people.customers_points(7), people.customers_points(8)) == (77, 88 + 99)
    assert people.customers_points(9) == 88 + 99
    assert people.agrees()


def _part(people: People, merge_id: int) -> None:
    from app.customers import candidates

    with people.runtime.database.system() as session:
        candidates.part(session, people.shop.id, merge_id, "staff:1")


def test_shopify_telling_again_of_a_merge_that_was_undone_changes_nothing(people: People) -> None:
    with people.runtime.database.system() as session:
        people.post(people.of_customer(session, 8), "adjustment", 10)
    people.merged(7, 8)
    people.parted()
    people.merged(7, 8)
    assert (people.customers_points(7), people.customers_points(8)) == (0, 10)


STEPS = (
    ("order", 7, 3000), ("order", 8, 5000), ("refund", 8, 2000), ("import", 8, 60), ("adjust", 8, -20),
    ("spend", 8, 70), ("spend", 7, 20), ("adjust", 7, 15), ("import", 7, 30),
)  # fmt: skip
_MERGES = (("merge", 7, 8), ("part", 0, 0), ("merge", 8, 9), ("merge", 7, 8))


def play(people: People, steps: tuple[tuple[str, int, int], ...]) -> None:
    people.start_over()
    with people.runtime.database.system() as session:
        holders = {customer: people.of_customer(session, customer) for customer in (7, 8, 9)}
    for what, who, number in steps:
        if what in {"order", "refund"}:
            people.order(who, number, who)
        elif what == "merge":
            people.merged(who, number)
        elif what == "part":
            people.parted()
        else:
            kind = {"import": "import", "adjust": "adjustment", "spend": "redemption"}[what]
            points = -number if what == "spend" else number
            people.post(holders[who], kind, points, ends=SOON if kind == "import" else None, key=f"{what}{who}{number}")


@given(st.permutations(STEPS), st.lists(st.integers(0, len(STEPS)), min_size=4, max_size=4))
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_merged_and_parted_in_any_order_both_accounts_are_what_they_would_be_without(
    people: People, order: list[tuple[str, int, int]], at: list[int]
) -> None:
    check_that_parting_restores(people, order, at)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@given(st.permutations(STEPS), st.lists(st.integers(0, len(STEPS)), min_size=4, max_size=4))
@settings(max_examples=1000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_merged_and_parted_in_any_order_at_full_size(
    people: People, order: list[tuple[str, int, int]], at: list[int]
) -> None:
    check_that_parting_restores(people, order, at)


def check_that_parting_restores(people: People, order: list[tuple[str, int, int]], at: list[int]) -> None:
    # A refund is told after its order was.
    steps = [step for step in order if step[0] != "refund"]
    steps.insert(steps.index(("order", 8, 5000)) + 1, ("refund", 8, 2000))
    play(people, tuple(steps))
    alone = {customer: _picture(people, customer) for customer in (7, 8, 9)}
    mixed = list(steps)
    for place, merge in zip(sorted(at, reverse=True), reversed(_MERGES), strict=True):
        mixed.insert(place, merge)
    play(people, tuple(mixed))
    assert people.agrees()
    merged = {customer: _picture(people, customer)["balance"] for customer in (7, 8, 9)}
    people.parted()
    assert {customer: _picture(people, customer) for customer in (7, 8, 9)} == alone
    assert people.agrees()
    total = tuple(map(sum, zip(*(alone[customer]["balance"] for customer in (7, 8, 9)), strict=True)))
    assert tuple(map(sum, zip(*merged.values(), strict=True))) == total


def _picture(people: People, customer: int) -> dict[str, tuple[int, ...]]:
    with people.runtime.database.system() as session:
        holder = people.of_customer(session, customer)
    return people.picture(holder)
