"""Rewards and codes in the admin: offered, changed, stopped; codes by state and page."""

from datetime import timedelta

from sqlalchemy import select

from app.discounts.models import DiscountCode
from app.loyalty.models import Reward
from tests.admin.opened import words
from tests.admin.world import BOUGHT, Admin, member, seen


def test_a_reward_is_offered_once_changed_and_stopped(admin: Admin) -> None:
    wish = {"title": "Ten off", "points": "200", "value": "10,50"}
    for _ in range(2):
        assert admin.post("/rewards", key="same", **wish).status_code == 204
    with admin.runtime.database.shop(admin.shop_id) as session:
        reward = session.scalars(select(Reward).where(Reward.title == "Ten off")).one()
    assert (reward.points, reward.value_minor, reward.currency) == (200, 1050, "EUR")
    assert "Ten off 200 €10.50 Offered 0" in admin.shown("/rewards")
    address = f"/rewards/{reward.id}"
    before = seen(admin.get(address), address)
    assert admin.post(address, key="2", seen=before, title="Ten off", points="150").status_code == 204
    assert "Ten off 150 €10.50 Stopped 0" in admin.shown("/rewards")
    answer = admin.post(address, key="3", seen=before, title="Eleven off", points="150", active="1")
    assert answer.status_code == 422
    assert "Somebody else changed this" in words(answer)


def test_a_reward_that_takes_nothing_off_is_refused_where_it_was_typed(admin: Admin) -> None:
    answer = admin.post("/rewards", title="<b>", points="0", value="0")
    assert answer.status_code == 422
    assert 'value="&lt;b&gt;"' in answer.text
    assert "This amount is too small." in words(answer)
    with admin.runtime.database.shop(admin.shop_id) as session:
        assert len(session.scalars(select(Reward)).all()) == 1


def test_codes_are_walked_by_state_and_found_whatever_their_case(admin: Admin) -> None:
    assert "No codes yet" in admin.shown("/codes")
    with admin.runtime.database.shop(admin.shop_id) as session:
        account = member(session, admin.shop_id, 7001, first="Ada", last="Lovelace")
        for number in range(51):
            session.add(
                DiscountCode(
                    shop_id=admin.shop_id, code=f"POINTS-{number:03}", purpose="redemption", intent_id=str(number),
                    account_id=account, customer_id=7001, title="5 EUR off", value_minor=500, currency="EUR",
                    state="used" if number == 7 else "issued", starts_at=BOUGHT + timedelta(minutes=number // 2),
                )
            )  # fmt: skip
    first = admin.get("/codes")
    assert "POINTS-050" in first.text
    assert "POINTS-000" not in first.text
    shown = admin.shown("/codes", before=f"{(BOUGHT).isoformat()}|POINTS-001")
    assert "POINTS-000 Ada Lovelace 5 EUR off Reward €5.00 Not used yet" in shown
    assert "POINTS-001" not in shown
    used = admin.shown("/codes", state="used")
    assert "POINTS-007" in used
    assert "POINTS-008" not in used
    assert "POINTS-042" in admin.shown("/codes", q=" points-042 ")
    assert "No such code" in admin.shown("/codes", q="POINTS")
    assert "POINTS-050" in admin.shown("/codes", before="bent")
