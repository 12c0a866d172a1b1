"""Members in the admin: found, listed page by page, looked at, given points once; nothing of another shop is shown."""

from sqlalchemy import select, text

from app.audit.models import AuditEntry
from app.loyalty.models import Balance, LedgerEntry
from tests.admin.opened import words
from tests.admin.world import Admin, member, order, staff


def test_an_empty_shop_says_what_will_be_here(admin: Admin) -> None:
    shown = admin.shown("/members")
    assert "No members yet" in shown
    assert "0 members" in shown


def test_members_are_listed_newest_first_and_walked_by_key(admin: Admin) -> None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        ids = [member(session, admin.shop_id, 100 + n, first=f"Ann{n}", last="Lee") for n in range(51)]
    first = admin.get("/members")
    assert "Ann50 Lee" in first.text
    assert "Ann0 Lee" not in first.text
    rest = admin.shown("/members", before=str(ids[1]))
    assert "Ann0 Lee" in rest
    assert "Ann1 Lee" not in rest
    assert f"before={ids[1]}" in first.text


def test_the_beginning_of_a_name_an_address_or_a_number_is_enough(admin: Admin) -> None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        member(session, admin.shop_id, 7001, first="Ada", last="Lovelace", points=1234)
        member(session, admin.shop_id, 7002, first="Grace", last="Hopper")
    for typed in ("ada", "Ada Love", "LOVEL", "ada7001@", "7001"):
        shown = admin.shown("/members", q=typed)
        assert "Ada Lovelace" in shown, typed
        assert "Grace" not in shown, typed
    assert "1,234" in admin.shown("/members", q="ada")
    assert "Nobody found" in admin.shown("/members", q="%")
    assert "Nobody found" in admin.shown("/members", q="lace")


def test_a_member_has_points_with_reasons_orders_and_lots(admin: Admin) -> None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        account = member(session, admin.shop_id, 7001, first="Ada", last="Lovelace", points=50)
        order(session, admin.shop_id, account, 1001, 12_00)
    shown = admin.shown(f"/members/{account}")
    assert "Points 62" in shown
    assert "Points for order #1001 +12" in shown
    assert "Changed by hand welcome by key:1 +50" in shown
    assert "#1001 Mar 1, 2026" in shown
    assert "€12.00 12" in shown
    assert "Given by hand 50 / 50" in shown
    assert "No receipts of consent" in shown


def test_points_are_given_once_with_a_reason_and_an_audit_entry(admin: Admin) -> None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        account = member(session, admin.shop_id, 7001, first="Ada")
    wish = {"way": "add", "points": "30", "reason": "late parcel"}
    answers = [admin.post(f"/members/{account}/points", key="k-1", **wish) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert "Ada has 30 points more." in answers[0].headers["HX-Trigger"]
    with admin.runtime.database.shop(admin.shop_id) as session:
        assert session.scalars(select(LedgerEntry.points)).all() == [30]
        entry = session.scalars(select(AuditEntry).where(AuditEntry.what == "points.adjusted")).one()
    assert (entry.actor, entry.subject, entry.after) == (
        "staff:81", f"account:{account}", {"entry": "1", "points": 30})  # fmt: skip


def test_what_cannot_be_taken_is_said_beside_its_field_and_nothing_is_lost(admin: Admin) -> None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        account = member(session, admin.shop_id, 7001, first="Ada", points=10)
    for points, said in (
        ("11", "There are only 10 points."),
        ("many", "A whole number is needed."),
        ("0", "A number from 1"),
    ):
        answer = admin.post(f"/members/{account}/points", key=f"k-{points}", way="take", points=points, reason="a <b>")
        assert answer.status_code == 422
        assert said in words(answer)
        assert 'value="a &lt;b&gt;"' in answer.text
    with admin.runtime.database.shop(admin.shop_id) as session:
        assert session.scalars(select(Balance.points)).all() == [10]
        assert session.scalars(select(AuditEntry.what).where(AuditEntry.what == "points.adjusted")).all() == []


def test_another_shops_member_is_not_here(admin: Admin) -> None:
    other = staff(admin.client, admin.runtime, "other.myshopify.com")
    with admin.runtime.database.shop(other.shop_id) as session:
        account = member(session, other.shop_id, 7001, first="Ada")
    for path in (f"/members/{account}", f"/members/{account}/ledger", "/members/99999999999999999999"):
        assert admin.get(path).status_code == 404
    wish = {"way": "add", "points": "30", "reason": "x"}
    assert admin.post(f"/members/{account}/points", **wish).status_code == 404
    with admin.runtime.database.shop(other.shop_id) as session:
        assert session.scalars(select(LedgerEntry.id)).all() == []


def test_a_download_is_no_formula(admin: Admin) -> None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        account = member(session, admin.shop_id, 7001, first="=cmd|' /C calc'!A0", last="x")
        owing = member(session, admin.shop_id, 7002, first="Bea")
        session.execute(text("update customers set email = '+1@example.com' where id = 7002"))
    lines = admin.get("/members.csv").text.splitlines()
    assert lines[0] == "account,customer,name,contact,points,orders,spent,currency,last order"
    assert lines[1] == f"{owing},7002,Bea,'+1@example.com,0,0,0.00,EUR,"
    assert lines[2].startswith(f"{account},7001,'=cmd|' /C calc'!A0 x,'=cmd|' /c calc'!a07001@example.com,0,")


def test_a_page_takes_as_many_statements_for_fifty_members_as_for_one(admin: Admin) -> None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        account = member(session, admin.shop_id, 1, first="Ann", points=5)
        order(session, admin.shop_id, account, 1001, 500)
    paths = ("/members", "/members?q=ann", f"/members/{account}")
    few = [admin.statements(path) for path in paths]
    with admin.runtime.database.shop(admin.shop_id) as session:
        for number in range(2, 12):
            order(session, admin.shop_id, member(session, admin.shop_id, number, first="Ann"), 1000 + number, 500)
    assert [admin.statements(path) for path in paths] == few
    assert max(few) <= 30
