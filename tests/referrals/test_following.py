"""Which orders count as a friend's first, through whom they came, and what both sides get."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.runtime import Runtime
from app.shops.models import Shop
from tests.referrals.conftest import ANN, AWAY, BEN, CEM, HOME, Circle
from tests.webhooks.deliveries import START


@pytest.mark.requirement(37, partly=True)
def test_a_friends_first_order_rewards_both_sides(circle: Circle) -> None:
    circle.brought(1, BEN)
    assert circle.referrals() == [(1, "attribute", None)]
    assert circle.rewarded() == (500, 200)


def test_the_code_may_be_written_in_any_case_and_without_one_nobody_was_brought(circle: Circle) -> None:
    circle.order(1, 10_000, CEM)
    assert circle.referrals() == []
    circle.brought(2, BEN, ref=circle.code().lower())
    assert circle.rewarded() == (500, 200)


HOSTILE = [
    "<script>alert(1)</script>", "' or 1=1 --", "\x00", "x" * 10_000, "", " ", "NOBODY", 7, None, ["A"], {"a": 1},
    "ÄÖÜ", "../../admin", "%00", "\ud800",
]  # fmt: skip


def test_what_is_no_members_code_is_harmless(circle: Circle) -> None:
    for ref in HOSTILE:
        circle.order(1, 10_000, BEN, note_attributes=[{"name": "_ref", "value": ref}, {"name": "_ref"}, "x"])
        circle.order(2, 10_000, CEM, note_attributes={"_ref": ref}, landing_site=f"/?a=%FF&ref={ref!r}&&ref")
    assert circle.referrals() == []


def test_the_landing_page_tells_a_code_too(circle: Circle) -> None:
    pages = ["/?ref={}", "/products/tea?utm=1&ref={}#top", "https://demo.example/?ref={}&ref=X"]
    for number, page in enumerate(pages, start=1):
        circle.order(number, 10_000, 20 + number, landing_site=page.format(circle.code()))
    assert circle.referrals() == [(number, "landing", None) for number in (1, 2, 3)]


def test_the_cart_is_believed_before_the_landing_page_unless_it_leads_nowhere(circle: Circle) -> None:
    circle.customer(CEM, "cem@example.com")
    circle.brought(1, BEN, landing_site=f"/?ref={circle.code(CEM)}")
    circle.brought(2, 21, ref="NOBODY", landing_site=f"/?ref={circle.code()}")
    assert circle.referrals() == [(1, "attribute", None), (2, "landing", None)]
    assert (circle.brings(ANN), circle.brings(CEM)) == (1_000, 0)


def invite(circle: Circle, code: str, ref: str) -> None:
    """Somebody came through a link and was given a code."""
    with circle.runtime.database.system() as session:
        session.execute(
            text("""insert into sign_ups (shop_id, popup_id, mailbox, email, code, ref, created_at)
                    values (:s, 1, :code, 'x@example.com', :code, :ref, now())"""),
            {"s": circle.shop.id, "code": code, "ref": ref},
        )


def test_a_code_given_with_the_link_is_the_strongest_trace(circle: Circle) -> None:
    circle.customer(CEM, "cem@example.com")
    invite(circle, "WELCOME-1", circle.code().lower())
    used = [{"code": "welcome-1", "amount": "5.00", "type": "fixed_amount"}]
    circle.brought(1, BEN, ref=circle.code(CEM), discount_codes=used)
    assert circle.referrals() == [(1, "code", None)]
    assert (circle.brings(ANN), circle.brings(CEM)) == (500, 0)
    # Who signed up is forgotten; that the code came with Ann's link is not.
    with circle.runtime.database.system() as session:
        session.execute(text("update sign_ups set ref = null"))
    circle.brought(1, BEN, ref=circle.code(CEM), discount_codes=used, note="changed")
    assert circle.referrals() == [(1, "code", None)]


def test_only_the_first_order_counts(circle: Circle) -> None:
    circle.brought(1, BEN)
    circle.brought(2, BEN, processed_at=(START + timedelta(days=1)).isoformat())
    assert circle.referrals() == [(1, "attribute", None), (2, "attribute", "not_first_order")]
    assert circle.rewarded() == (500, 200)


def test_an_earlier_order_that_is_told_of_later_takes_the_reward_back(circle: Circle) -> None:
    circle.brought(2, BEN)
    assert circle.rewarded() == (500, 200)
    circle.order(1, 10_000, BEN, processed_at=(START - timedelta(days=1)).isoformat())
    assert circle.referrals() == [(2, "attribute", "not_first_order")]
    assert circle.rewarded() == (0, 0)


def test_an_order_earns_once_it_is_paid(circle: Circle) -> None:
    circle.brought(1, BEN, status="pending")
    assert circle.rewarded() == (0, 0)
    circle.brought(1, BEN, status="paid")
    assert circle.rewarded() == (500, 200)


def test_a_reward_stays_while_enough_is_left_and_falls_with_its_order(circle: Circle) -> None:
    circle.brought(1, BEN, 1_999)
    assert circle.rewarded() == (0, 0), "below the minimum"
    for change, rewarded in (
        ({"status": "paid"}, True),
        ({"current": "20.00", "status": "partially_refunded"}, True),
        ({"current": "19.99", "status": "partially_refunded"}, False),
        ({"current": "0.00", "status": "refunded"}, False),
        ({"status": "paid"}, True),
        ({"cancelled_at": START.isoformat()}, False),
    ):
        circle.brought(1, BEN, 10_000, ref=None, **change)
        assert circle.rewarded() == ((500, 200) if rewarded else (0, 0)), change


def test_nobody_brings_himself(circle: Circle) -> None:
    before = (START - timedelta(days=30)).isoformat()
    circle.order(1, 5_000, ANN, shipping_address=HOME, processed_at=before)
    circle.brought(2, ANN)
    circle.brought(3, 21, email="Ann+new@example.com")
    circle.brought(4, 22, phone="0049 151 12345678")
    circle.brought(5, 23, shipping_address=HOME | {"address1": "1, MARKET STREET", "zip": "10115 "})
    circle.brought(6, 24, shipping_address=AWAY)
    reasons = ["same_account", "same_email", "same_phone", "same_address", None]
    assert circle.referrals() == [(number, "attribute", reason) for number, reason in enumerate(reasons, start=2)]
    assert circle.brings(ANN) == 500


def test_what_is_known_of_the_advocate_later_counts_as_well(circle: Circle) -> None:
    circle.brought(1, BEN, phone="+49 30 1234")
    assert circle.rewarded() == (500, 200)
    circle.customer(ANN, "ann@example.com", phone="+49301234")
    assert circle.referrals() == [(1, "attribute", "same_phone")]
    assert circle.rewarded() == (0, 0)


def test_an_address_that_the_advocate_uses_later_says_nothing_of_then(circle: Circle) -> None:
    circle.brought(1, BEN, shipping_address=HOME)
    later = (START + timedelta(days=30)).isoformat()
    circle.order(2, 5_000, ANN, shipping_address=HOME, processed_at=later)
    assert circle.rewarded() == (500, 200)


def test_who_turns_out_to_be_the_same_person_was_not_brought(circle: Circle) -> None:
    circle.brought(1, BEN)
    circle.merged(ANN, BEN)
    assert circle.referrals() == [(1, "attribute", "same_account")]
    assert circle.brings(ANN) == 0
    circle.parted()
    assert circle.rewarded() == (500, 200)


def test_the_account_that_took_the_advocate_over_has_the_reward(circle: Circle) -> None:
    circle.customer(CEM, "cem@example.com")
    circle.brought(1, BEN)
    circle.merged(CEM, ANN)
    assert (circle.brings(CEM), circle.brings(BEN)) == (500, 200)
    circle.brought(1, BEN, cancelled_at=START.isoformat())
    assert (circle.brings(CEM), circle.brings(BEN)) == (0, 0)


def test_unknown_history_does_not_make_anybody_new(circle: Circle) -> None:
    with circle.runtime.database.system() as session:
        session.execute(text("update shops set orders_complete_from = :at"), {"at": START + timedelta(days=1)})
    circle.brought(1, BEN)
    assert circle.referrals() == [(1, "attribute", "unknown_history")]
    with circle.runtime.database.system() as session:
        asked = session.execute(text("select args from procrastinate_jobs where task_name = 'customers.read_figures'"))
        assert [row.args["customer_id"] for row in asked] == [BEN]


def test_a_shop_that_rewards_nobody_notes_nothing(runtime: Runtime, shop: Shop) -> None:
    quiet = Circle(runtime, shop, referral=None)
    quiet.customer(ANN, "ann@example.com")
    quiet.brought(1, BEN)
    assert quiet.referrals() == []
    assert quiet.rewarded() == (0, 0)
