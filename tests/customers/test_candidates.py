"""Customers who may be one person are offered for merging; a person decides, and can take it back."""

import pytest
from sqlalchemy import text

from app.audit.models import AuditEntry
from app.customers import candidates
from app.customers.candidates import Offer
from app.customers.contact import phone_number
from app.errors import Conflict, NotFound
from tests.customers.conftest import People

STAFF = "staff:1"


def offers(people: People) -> list[Offer]:
    with people.runtime.database.shop(people.shop.id) as session:
        return candidates.offers(session, people.shop.id)


def test_one_verified_mailbox_or_one_number_makes_an_offer(people: People) -> None:
    people.customer(1, "ada@example.com")
    people.customer(2, "Ada+shop@Example.com", phone="+49 151 123-45678")
    people.customer(3, None, phone="0049 (151) 12345678")
    people.customer(4, "ada+two@example.com", verified_email=False)
    people.customer(5, "bob@example.com", phone="0151 12345678")
    people.customer(6, None, phone="0151 12345678")
    assert offers(people) == [Offer(1, 2, ("email",)), Offer(2, 3, ("phone",))]


def test_whoever_is_gone_is_not_offered(people: People) -> None:
    people.customer(1, "ada@example.com")
    people.customer(2, "ada+x@example.com")
    people.gone(2)
    assert offers(people) == []


def test_accepting_merges_the_accounts_and_parting_restores_them(people: People) -> None:
    for customer in (1, 2):
        people.customer(customer, f"ada+{customer}@example.com")
        people.order(customer, customer * 1000, customer)
    with people.runtime.database.shop(people.shop.id) as session:
        merge = candidates.accept(session, people.shop.id, 1, 2, STAFF)
    assert (people.customers_points(1), people.customers_points(2), offers(people)) == (30, 30, [])
    with people.runtime.database.shop(people.shop.id) as session:
        candidates.part(session, people.shop.id, merge.id, STAFF)
        candidates.part(session, people.shop.id, merge.id, STAFF)
        [known] = candidates.merges(session, people.shop.id)
        assert (known.cause, known.actor, known.undone_by) == ("staff", STAFF, STAFF)
        assert [row.what for row in session.query(AuditEntry).order_by(AuditEntry.id)] == ["merge.made", "merge.undone"]
    assert (people.customers_points(1), people.customers_points(2)) == (10, 20)
    assert offers(people) == [Offer(1, 2, ("email",))]
    assert people.agrees()


def test_what_was_turned_down_is_not_offered_again(people: People) -> None:
    people.customer(1, "ada@example.com")
    people.customer(2, "ada+x@example.com")
    with people.runtime.database.shop(people.shop.id) as session:
        candidates.dismiss(session, people.shop.id, 2, 1, STAFF)
    assert offers(people) == []
    with people.runtime.database.shop(people.shop.id) as session, pytest.raises(NotFound):
        candidates.accept(session, people.shop.id, 1, 2, STAFF)


def test_two_who_have_nothing_in_common_cannot_be_merged(people: People) -> None:
    people.customer(1, "ada@example.com")
    people.customer(2, "bob@example.com")
    with people.runtime.database.shop(people.shop.id) as session, pytest.raises(NotFound):
        candidates.accept(session, people.shop.id, 1, 2, STAFF)
    with people.runtime.database.system() as session:
        assert session.scalar(text("select count(*) from account_merges")) == 0


def test_an_account_that_follows_an_address_is_not_parted_by_hand(people: People) -> None:
    people.order(1, 1000, email="ada@example.com")
    people.customer(7, "ada@example.com")
    with people.runtime.database.shop(people.shop.id) as session:
        [merge] = candidates.merges(session, people.shop.id)
        with pytest.raises(Conflict, match="verified"):
            candidates.part(session, people.shop.id, merge.id, STAFF)


def test_a_guest_who_left_a_number_only_collects_under_it(people: People) -> None:
    people.order(1, 1000, phone="+49 151 12345678")
    people.order(2, 2000, phone="0049151 12345678")
    people.order(3, 4000, phone="0151 12345678")
    with people.runtime.database.system() as session:
        points = text("select b.points, i.value from balances b join identities i using (shop_id, account_id)")
        assert [tuple(row) for row in session.execute(points)] == [(30, "+4915112345678")]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+1 (555) 123-4567", "+15551234567"),
        ("0049.151.12345678", "+4915112345678"),
        ("0151 12345678", None),
        ("+0123456789", None),
        ("+12", None),
        ("call me", None),
        (None, None),
    ],
)
def test_a_number_without_its_country_is_nobodys(written: str | None, number: str | None) -> None:
    assert phone_number(written) == number
