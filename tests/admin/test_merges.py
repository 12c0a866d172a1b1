"""Members who may be one: offered with the reason, merged, left apart, and parted again; nothing of another shop."""

import pytest
from sqlalchemy import select, text

from app.audit.models import AuditEntry
from app.customers.merge_models import AccountMerge
from app.customers.models import Customer
from tests.admin.world import Admin, member, order, staff


def alike(admin: Admin, first: int = 7001) -> tuple[int, int]:
    """Two customers with one telephone number; Ada has points, Bea an order. Their accounts."""
    with admin.runtime.database.shop(admin.shop_id) as session:
        ada = member(session, admin.shop_id, first, first="Ada", points=30)
        bea = member(session, admin.shop_id, first + 1, first="Bea")
        order(session, admin.shop_id, bea, first + 900, 20_00)
        for customer in (first, first + 1):
            session.get_one(Customer, (admin.shop_id, customer)).phone = "+4915112345678"
    return ada, bea


def merged_into(admin: Admin, account: int) -> int | None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        found = session.execute(text("select merged_into from accounts where id = :id"), {"id": account}).scalar_one()
        return int(found) if found is not None else None


PAIR = {"one": "7001", "other": "7002"}


@pytest.mark.requirement(149, partly=True)
def test_two_with_one_number_are_offered_merged_and_parted(admin: Admin) -> None:
    assert "Nobody is offered" in admin.shown("/members/merges")
    ada, bea = alike(admin)
    shown = admin.shown("/members/merges")
    assert "Ada 30 points, 0 orders Bea 20 points, 1 orders the same telephone number" in shown
    for _ in range(2):
        assert admin.post("/members/merges", key="m", **PAIR).status_code == 204
    assert merged_into(admin, bea) == ada
    assert "Nobody is offered" in admin.shown("/members/merges")
    assert "Points 50" in admin.shown(f"/members/{ada}")
    with admin.runtime.database.shop(admin.shop_id) as session:
        merge = session.scalars(select(AccountMerge)).one()
    assert (merge.cause, merge.actor) == ("staff", "staff:81")
    assert admin.post(f"/members/merges/{merge.id}/part", key="p").status_code == 204
    assert merged_into(admin, bea) is None
    shown = admin.shown("/members/merges")
    assert "Undone" in shown
    assert "the same telephone number" in shown
    with admin.runtime.database.shop(admin.shop_id) as session:
        assert [one.what for one in session.scalars(select(AuditEntry).order_by(AuditEntry.id))] == [
            "merge.made", "merge.undone",
        ]  # fmt: skip


def test_two_persons_are_not_offered_again(admin: Admin) -> None:
    alike(admin)
    assert admin.post("/members/merges/apart", **PAIR).status_code == 204
    assert "Nobody is offered" in admin.shown("/members/merges")
    late = admin.post("/members/merges", key="late", **PAIR)
    assert late.status_code == 404
    assert admin.post("/members/merges", key="bent", one="x").status_code == 404


def test_a_pair_of_another_shop_is_not_there(admin: Admin) -> None:
    other = staff(admin.client, admin.runtime, "other.myshopify.com")
    _ada, bea = alike(other)
    assert "Nobody is offered" in admin.shown("/members/merges")
    assert admin.post("/members/merges", **PAIR).status_code == 404
    assert admin.post("/members/merges/apart", key="k2", **PAIR).status_code == 404
    assert merged_into(other, bea) is None


def test_a_large_shop_is_looked_through_after_the_page(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    alike(admin)
    monkeypatch.setattr("app.admin.figures.queries.SMALL", 2)
    assert "being looked through" in admin.shown("/members/merges")
    assert "the same telephone number" in admin.shown("/members/merges", look="1")
