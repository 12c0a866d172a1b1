"""Segments and referrals in the admin: listed, counted, edited with faults by line and column, removed."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from app import clock, job_table
from app.admin.texts import Formats
from app.audit.models import AuditEntry
from app.changes import Changes
from app.jobs import drain
from app.orders.models import Order
from app.reactions import react
from app.referrals.models import Referral
from app.segments.models import Segment
from app.segments.service import wake_due
from tests.admin.opened import words
from tests.admin.world import Admin, member, order, seen, staff


def followed(admin: Admin) -> None:
    """Let the worker follow the shop's segments."""
    job_table.load()
    with admin.runtime.database.system() as session:
        wake_due(session)
    drain(admin.runtime)


def test_segments_are_counted_and_a_member_says_why_it_is_in_one(admin: Admin) -> None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        account = member(session, admin.shop_id, 7001, first="Ada", points=5)
        order(session, admin.shop_id, account, 1001, 700_00)
    followed(admin)
    assert "VIP by spend 1 amount_spent >= 500" in admin.shown("/segments")
    with admin.runtime.database.shop(admin.shop_id) as session:
        vip = session.scalars(select(Segment).where(Segment.key == "vip")).one()
    assert "Ada" in admin.shown(f"/segments/{vip.id}")
    shown = admin.shown(f"/members/{account}")
    assert "VIP by spend Money spent: 700 (amount_spent >= 500)" in shown


def test_a_query_with_a_fault_says_where_and_keeps_what_was_typed(admin: Admin) -> None:
    typed = "amount_spent >= 'lots'"
    answer = admin.post("/segments", name="Big", query=typed)
    assert answer.status_code == 422
    assert "Line 1 Column" in words(answer)
    assert "amount_spent &gt;= &#39;lots&#39;" in answer.text
    assert "Line 1 Column" in admin.shown("/segments/new", query=typed, name="Big")
    with admin.runtime.database.shop(admin.shop_id) as session:
        assert session.scalars(select(Segment).where(Segment.name == "Big")).all() == []


def test_a_segment_is_made_once_changed_and_removed_with_its_name_in_the_log(admin: Admin) -> None:
    for _ in range(2):
        assert admin.post("/segments", key="1", name="Big", query="amount_spent >= 1000").status_code == 204
    with admin.runtime.database.shop(admin.shop_id) as session:
        segment = session.scalars(select(Segment).where(Segment.name == "Big")).one()
    address = f"/segments/{segment.id}"
    before = seen(admin.get(f"{address}/edit"), address)
    assert admin.post(address, key="2", seen=before, name="Big", query="amount_spent >= 900").status_code == 204
    stale = admin.post(address, key="3", seen=before, name="Big", query="amount_spent >= 800")
    assert stale.status_code == 422
    assert "Somebody else changed this" in words(stale)
    other = staff(admin.client, admin.runtime, "other.myshopify.com")
    assert other.get(address).status_code == 404
    assert other.post(f"{address}/remove").status_code == 404
    assert admin.post(f"{address}/remove", key="4").status_code == 204
    assert admin.get(address).status_code == 404
    with admin.runtime.database.shop(admin.shop_id) as session:
        audit = session.scalars(select(AuditEntry).where(AuditEntry.subject == f"segment:{segment.id}")).all()
    assert [(one.what, one.actor) for one in audit] == [
        ("segment.created", "staff:81"), ("segment.changed", "staff:81"), ("segment.removed", "staff:81"),
    ]  # fmt: skip


def test_a_query_is_counted_without_being_kept(admin: Admin) -> None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        order(session, admin.shop_id, member(session, admin.shop_id, 7001, first="Ada"), 1001, 700_00)
    followed(admin)
    shown = admin.shown("/segments/new", query="amount_spent > 600", name="x")
    assert "Would be in it now Members 1 of 1" in shown
    assert "Ada 1 €700.00" in shown


def test_a_shop_that_rewards_nobody_for_friends_says_so(admin: Admin) -> None:
    shown = admin.shown("/referrals", state="refused")
    assert "Bringing friends is not rewarded" in shown
    assert "No referrals" in shown


def test_one_state_is_looked_for_so_far_and_then_further_on(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.admin.referrals.pages.REACH", 2)
    with admin.runtime.database.shop(admin.shop_id) as session:
        ada = member(session, admin.shop_id, 7001, first="Ada")
        for n, refused in enumerate(("same_email", None, None)):
            order(session, admin.shop_id, member(session, admin.shop_id, 7002 + n), 1001 + n, 500)
            noted = {"advocate_account_id": ada, "code": "ADA-1", "matched_by": "landing", "noted_at": clock.now()}
            session.add(Referral(shop_id=admin.shop_id, order_id=1001 + n, refused=refused, **noted))
    page = admin.get("/referrals", state="waiting")
    assert "None among the 2 that were looked through." in words(page)
    assert "/referrals?state=waiting&amp;before=1002" in page.text
    assert "Both have the same e-mail address." in admin.shown("/referrals", state="refused", before="1002")
    assert "No referrals" in admin.shown("/referrals", state="waiting", before="1002")


@pytest.mark.requirement(106)
@pytest.mark.requirement(89, partly=True)
def test_the_home_tells_who_is_at_risk_and_leads_to_them(admin: Admin) -> None:
    """Ada bought every ten days and then no more; her segment names when she bought last."""
    with admin.runtime.database.shop(admin.shop_id) as session:
        account = member(session, admin.shop_id, 7001, first="Ada")
        for n, days in enumerate((120, 110, 100)):
            bought = Order(
                shop_id=admin.shop_id, id=1001 + n, account_id=account, currency="EUR", paid=True, subtotal_minor=500,
                current_subtotal_minor=500, total_minor=500, current_total_minor=500, financial_status="paid",
                processed_at=clock.now() - timedelta(days=days), updated_at=clock.now(),
            )  # fmt: skip
            session.add(bought)
        session.flush()
        react(session, Changes(accounts={(admin.shop_id, account)}))
    followed(admin)
    assert "At risk Customers whose last order" in admin.shown("/")
    assert "Customers at risk 1" in admin.shown("/")
    with admin.runtime.database.shop(admin.shop_id) as session:
        risk = session.scalars(select(Segment).where(Segment.key == "at_risk")).one()
        last = bought.processed_at
    assert f'href="/segments/{risk.id}"' in admin.get("/").text
    assert last is not None
    assert Formats("en", "EUR", ZoneInfo("Europe/Berlin")).day(last) in admin.shown(f"/segments/{risk.id}")
    assert admin.post(f"/segments/{risk.id}/remove").status_code == 204
    assert "Customers at risk" not in admin.shown("/")
