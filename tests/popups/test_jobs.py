"""Shopify hears of a consent once and for all, and who had to wait gets a code when there is one."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from app import clock
from app.discounts.pools.models import PoolCode
from app.popups import jobs
from app.popups.models import ConsentReceipt, Popup, SignUp
from app.popups.sign_up import Answer, Wish, sign_up
from app.shopify.errors import ShopifyError
from dev_store.faults import Fault, Kind
from tests.orders.conftest import Shopify

ADDRESS = "bea@example.com"


def asked(connected: Shopify, popup: Popup, email: str = ADDRESS) -> Answer:
    version = popup.definition["texts"]["en"]["consent_version"]
    with connected.runtime.database.shop(connected.shop.id) as session:
        return sign_up(session, connected.shop.id, Wish(popup_id=popup.id, email=email, consent=version))


def receipt(connected: Shopify) -> ConsentReceipt:
    with connected.runtime.database.shop(connected.shop.id) as session:
        found = session.scalars(select(ConsentReceipt)).one()
        session.expunge(found)
        return found


def tell(connected: Shopify) -> None:
    jobs.tell_shopify(connected.runtime, shop_id=connected.shop.id, receipt_id=receipt(connected).id)


def customers(connected: Shopify) -> list[dict[str, Any]]:
    return [one for one in connected.store.state.all(connected.shop.domain, "customer") if one["email"] == ADDRESS]


def consent(connected: Shopify) -> tuple[str, str, datetime]:
    [customer] = customers(connected)
    held = customer["_email_marketing_consent"]
    return held["state"], held["opt_in_level"], datetime.fromisoformat(held["consent_updated_at"])


def test_a_new_address_becomes_a_customer_with_the_consent_and_its_instant(connected: Shopify, popup: Popup) -> None:
    asked(connected, popup)
    tell(connected)
    given = receipt(connected)
    assert consent(connected) == ("subscribed", "single_opt_in", given.given_at.replace(microsecond=0))
    assert (given.told_at is not None, given.refused) == (True, None)


def test_those_of_one_moment_are_told_by_one_job_which_goes_on_where_it_was_broken_off(
    connected: Shopify, popup: Popup
) -> None:
    names = ["ann@example.com", ADDRESS, "cem@example.com"]
    for name in names:
        asked(connected, popup, name)
    with connected.runtime.database.shop(connected.shop.id) as session:
        ids = session.scalars(select(ConsentReceipt.id).order_by(ConsentReceipt.id)).all()
    range_ = {"shop_id": connected.shop.id, "receipt_id": ids[0], "last": ids[2]}
    connected.store.faults.replace([Fault("CustomerSet", Kind.TIMEOUT_AFTER, times=1)])
    with pytest.raises(ShopifyError):
        jobs.tell_shopify(connected.runtime, **range_)
    jobs.tell_shopify(connected.runtime, **range_)
    found = [one["email"] for one in connected.store.state.all(connected.shop.domain, "customer")]
    assert sorted(found) == names
    with connected.runtime.database.shop(connected.shop.id) as session:
        assert all(session.scalars(select(ConsentReceipt.told_at)))


def test_who_is_known_is_subscribed_and_otherwise_left_alone(connected: Shopify, popup: Popup) -> None:
    connected.commerce.create_customer(at=clock.now() - timedelta(days=1), email=ADDRESS, first_name="Bea")
    asked(connected, popup)
    tell(connected)
    [customer] = customers(connected)
    assert (customer["first_name"], consent(connected)[0]) == ("Bea", "subscribed")


@pytest.mark.parametrize(("hours", "after"), [(-1, "subscribed"), (1, "unsubscribed")])
def test_whoever_unsubscribed_later_stays_unsubscribed(
    connected: Shopify, popup: Popup, hours: int, after: str
) -> None:
    asked(connected, popup)
    number = connected.commerce.create_customer(at=clock.now() - timedelta(days=1), email=ADDRESS)
    connected.commerce.set_email_consent(number, "unsubscribed", at=clock.now() + timedelta(hours=hours))
    tell(connected)
    assert consent(connected)[0] == after
    assert receipt(connected).told_at is not None


@pytest.mark.parametrize("fault", [Kind.TIMEOUT_AFTER, Kind.TIMEOUT_BEFORE])
@pytest.mark.parametrize("operation", ["CustomerSet", "CustomerEmailMarketingConsentUpdate"])
def test_an_answer_that_was_lost_is_made_good_by_doing_it_again(
    connected: Shopify, popup: Popup, fault: Kind, operation: str
) -> None:
    asked(connected, popup)
    connected.store.faults.replace([Fault(operation, fault)])
    with pytest.raises(ShopifyError):
        tell(connected)
    assert receipt(connected).told_at is None
    tell(connected)
    assert (len(customers(connected)), consent(connected)[0]) == (1, "subscribed")


def test_what_was_told_is_not_told_again(connected: Shopify, popup: Popup) -> None:
    asked(connected, popup)
    tell(connected)
    [customer] = customers(connected)
    connected.commerce.set_email_consent(customer["id"], "unsubscribed", at=clock.now())
    tell(connected)
    assert consent(connected)[0] == "unsubscribed"


def planned(connected: Shopify, job: str) -> int:
    with connected.runtime.database.system() as session:
        wanted = text("select count(*) from procrastinate_jobs where task_name = :job")
        return int(session.scalar(wanted, {"job": job}) or 0)


def test_a_consent_whose_job_was_lost_is_found_after_a_while(connected: Shopify, popup: Popup) -> None:
    asked(connected, popup)
    with connected.runtime.database.system() as session:
        session.execute(text("delete from procrastinate_jobs"))
    jobs.sweep_untold(connected.runtime)
    assert planned(connected, "popups.tell_shopify") == 0
    with connected.runtime.database.system() as session:
        session.execute(update(ConsentReceipt).values(given_at=clock.now() - timedelta(minutes=11)))
    jobs.sweep_untold(connected.runtime)
    jobs.sweep_untold(connected.runtime)
    assert planned(connected, "popups.tell_shopify") == 1


def test_who_waited_gets_a_code_oldest_first_and_sees_it_when_asking_again(connected: Shopify, popup: Popup) -> None:
    with connected.runtime.database.system() as session:
        session.execute(update(PoolCode).values(state="given"))
    for name in ("ann", "bea", "cem"):
        assert asked(connected, popup, f"{name}@example.com") == Answer("later")
    jobs.sweep_waiting(connected.runtime)
    assert planned(connected, "popups.hand_out") == 0
    with connected.runtime.database.system() as session:
        session.execute(update(PoolCode).where(PoolCode.code.in_(["WELCOME-3", "WELCOME-4"])).values(state="free"))
    jobs.sweep_waiting(connected.runtime)
    assert planned(connected, "popups.hand_out") == 1
    jobs.hand_out(connected.runtime, shop_id=connected.shop.id, popup_id=popup.id)
    with connected.runtime.database.shop(connected.shop.id) as session:
        found = session.execute(select(SignUp.code, SignUp.owed_at).order_by(SignUp.id)).all()
    assert [row.code for row in found] == ["WELCOME-3", "WELCOME-4", None]
    assert [row.owed_at is not None for row in found] == [True, True, False]
    assert asked(connected, popup, "bea@example.com") == Answer("code", "WELCOME-4")
