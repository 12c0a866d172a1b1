"""Who is forgotten, who asks for what is held, and a shop that moves: referrals stay what they were."""

import pytest
from sqlalchemy import text

from app.shops import privacy
from app.shops.personal_data import export_customer
from app.transfer.export import lines
from app.transfer.take_in import take_in
from tests.factories import make_shop
from tests.referrals.conftest import ANN, BEN, HOME, Circle
from tests.referrals.test_following import invite
from tests.webhooks.deliveries import START


def forget(circle: Circle, customer: int, email: str) -> None:
    body = {"customer": {"id": customer, "email": email}, "orders_to_redact": []}
    with circle.runtime.database.system() as session:
        privacy.redact_customer(session, circle.shop.id, body, f"w{customer}")


def test_a_forgotten_friend_leaves_no_address_and_the_reward_stays(circle: Circle) -> None:
    invite(circle, "WELCOME-1", circle.code())
    code = [{"code": "WELCOME-1", "amount": "5.00", "type": "fixed_amount"}]
    circle.order(1, 10_000, BEN, email="ben@example.com", shipping_address=HOME, discount_codes=code)
    forget(circle, BEN, "ben@example.com")
    with circle.runtime.database.system() as session:
        session.execute(text("update sign_ups set ref = null"))
        assert session.execute(text("select address_digest, email from orders")).one() == (None, None)
    # Told of again, with everything: forgotten again.
    circle.order(1, 10_000, BEN, email="ben@example.com", shipping_address=HOME, discount_codes=code, note="x")
    assert circle.referrals() == [(1, "code", None)]
    assert circle.rewarded() == (500, 200)
    with circle.runtime.database.system() as session:
        assert session.scalar(text("select address_digest from orders")) is None
    circle.order(1, 10_000, BEN, cancelled_at=START.isoformat(), discount_codes=code)
    assert circle.rewarded() == (0, 0)


@pytest.mark.parametrize(("who", "email"), [(ANN, "ann@example.com"), (BEN, "ann+2@example.com")])
def test_a_refusal_does_not_end_when_its_proof_is_forgotten(circle: Circle, who: int, email: str) -> None:
    circle.brought(1, BEN, email="ann+2@example.com")
    assert circle.referrals() == [(1, "attribute", "same_email")]
    forget(circle, who, email)
    circle.brought(1, BEN, email="ann+2@example.com", note="again")
    assert circle.referrals() == [(1, "attribute", "same_email")]
    assert circle.rewarded() == (0, 0)


def test_codes_and_referrals_are_handed_out(circle: Circle) -> None:
    circle.brought(1, BEN)
    with circle.runtime.database.system() as session:
        ann, ben = (export_customer(session, circle.shop.id, one) for one in (ANN, BEN))
    assert [row["code"] for row in ann["referral_codes"]] == [circle.code()]
    assert [row["order_id"] for row in ann["referrals"]] == [row["order_id"] for row in ben["referrals"]] == [1]


def test_a_shop_takes_its_referrals_along(circle: Circle) -> None:
    invite(circle, "WELCOME-1", circle.code())
    circle.order(1, 10_000, BEN, discount_codes=[{"code": "WELCOME-1", "amount": "5.00", "type": "fixed_amount"}])
    circle.brought(2, 21, shipping_address=HOME)
    with circle.runtime.database.system() as session:
        first = list(lines(session, circle.shop.id))
    assert sum(b'"part": "referral' in line for line in first) == 3
    there = make_shop(circle.runtime, "there.myshopify.com")
    with circle.runtime.database.system() as session:
        assert take_in(session, there, first).points == sum((100, 500 * 2, 200 * 2, 100))
    with circle.runtime.database.system() as session:
        assert list(lines(session, there.id)) == first
