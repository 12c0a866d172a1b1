"""What a storefront reads is what is true here: published once, soon, and not again while nothing changed."""

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text, update

from app import clock
from app.customers.models import Customer
from app.loyalty import service
from app.loyalty.ledger import Holder
from app.loyalty.models import Lot, RuleVersion
from app.loyalty.programs import default_program
from app.loyalty.standing import account_standing
from app.popups import service as popups
from app.popups.models import Popup
from app.storefront import dirty, jobs, publishing
from app.storefront.members import members
from app.storefront.models import MemberChange, PublishedValue, Storefront
from dev_store.commerce import OrderLine
from dev_store.faults import Fault, Kind
from tests.storefront.conftest import SHOP, Street


def published(street: Street, key: str) -> list[dict[str, Any]]:
    found = [one for one in street.store.state.all(SHOP, "metafield") if one["key"] == key]
    return [json.loads(one["value"]) for one in sorted(found, key=lambda one: str(one["owner"]))]


def publish(street: Street) -> None:
    """Everything that is due by now or soon."""
    with street.runtime.database.system() as session:
        soon = clock.now()
        session.execute(
            update(MemberChange).where(MemberChange.due_at < soon + timedelta(minutes=1)).values(due_at=soon)
        )
    jobs.sweep(street.runtime)
    street.settle()


def buy(street: Street, email: str, price: str) -> int:
    customer = street.commerce.create_customer(at=street.store.clock.now(), email=email)
    line = OrderLine(title="Tea", quantity=1, price=price)
    street.commerce.place_order(at=street.store.clock.now(), customer_id=customer, lines=[line])
    street.settle()
    return customer


def calls(street: Street) -> int:
    """How often something was published so far, by what is remembered of it."""
    with street.runtime.database.system() as session:
        return int(
            session.scalar(text("select coalesce(sum(extract(epoch from published_at)), 0) from published_values"))
        )


def change(street: Street, popup: Popup, **changes: Any) -> None:
    with street.runtime.database.shop(street.shop.id) as session:
        popups.change(session, street.shop.id, popup.id, **changes)
    street.settle()


def test_a_popup_reaches_the_page_with_its_texts_and_leaves_it_when_switched_off(street: Street) -> None:
    popup = street.popup()
    [list_] = published(street, "popups")
    assert list_ == {"list": [{"id": popup.id, **popup.definition}]}
    change(street, popup, active=False)
    assert published(street, "popups") == [{"list": []}]


def test_what_did_not_change_is_not_sent(street: Street) -> None:
    popup = street.popup()
    before = calls(street)
    change(street, popup, name="Another name")
    assert calls(street) == before
    with street.runtime.database.system() as session:
        assert session.scalars(select(Storefront.due_at)).all() == [None]


def test_members_points_reach_their_metafield_and_the_page_knows_where(street: Street) -> None:
    street.popup()
    buy(street, "ann@example.com", "60.00")
    assert published(street, "member") == []  # a moment later, so that several changes become one
    publish(street)
    value = {
        "available": 60,
        "pending": 0,
        "next_reward": {"title": "5 USD off", "missing": 40},
        "expires": None,
        "referral_code": None,
    }
    assert published(street, "member") == [value]
    publish(street)
    [document] = [one for one in street.store.state.all(SHOP, "metafield") if one["key"] == "member"]
    assert published(street, "program") == [{"customer_namespace": document["namespace"]}]
    buy(street, "bea@example.com", "1.00")
    publish(street)
    assert [one["available"] for one in published(street, "member")] == [60, 1]


def test_points_given_by_hand_reach_it_too(street: Street) -> None:
    street.popup()
    buy(street, "ann@example.com", "60.00")
    publish(street)
    with street.runtime.database.shop(street.shop.id) as session:
        [account] = (
            session.scalars(select(MemberChange.account_id)).all()
            or session.scalars(text("select account_id from balances")).all()
        )
        holder = Holder(street.shop.id, default_program(session, street.shop.id).id, account)
        service.adjust(session, holder, 7, request_id="r1", note="thanks", actor="key:1", allow_negative=False)
    publish(street)
    assert [one["available"] for one in published(street, "member")] == [67]


def test_a_shop_that_shows_nothing_notes_nothing(street: Street) -> None:
    buy(street, "ann@example.com", "60.00")
    with street.runtime.database.system() as session:
        counted = [session.scalar(select(func.count()).select_from(table)) for table in (MemberChange, Storefront)]
    assert counted == [0, 0]


def test_members_from_before_are_published_when_points_are_shown(street: Street) -> None:
    buy(street, "ann@example.com", "60.00")
    street.popup()
    publish(street)
    assert [one["available"] for one in published(street, "member")] == [60]


def test_a_change_while_it_is_published_is_published_after_it(street: Street) -> None:
    street.popup()
    buy(street, "ann@example.com", "60.00")
    with street.runtime.database.system() as session:
        session.execute(update(MemberChange).values(due_at=clock.now()))
    with street.runtime.database.shop(street.shop.id) as session:
        turn = publishing.take_members(session, street.shop.id)
        assert turn is not None
        assert publishing.take_members(session, street.shop.id) is None  # leased
    with street.runtime.database.shop(street.shop.id) as session:
        dirty.note_points(session, [(street.shop.id, account) for account in turn.marks])
    with street.runtime.database.shop(street.shop.id) as session:
        publishing.settle_members(session, turn)
    with street.runtime.database.shop(street.shop.id) as session:
        [left] = session.scalars(select(MemberChange)).all()
        assert (left.leased_until, left.due_at > clock.now()) == (None, True)


def test_who_dies_while_publishing_loses_nothing(street: Street) -> None:
    street.popup()
    buy(street, "ann@example.com", "60.00")
    with street.runtime.database.system() as session:
        past = clock.wall_now() - timedelta(seconds=1)
        session.execute(update(MemberChange).values(due_at=clock.now(), leased_until=past))
    publish(street)
    assert [one["available"] for one in published(street, "member")] == [60]


@pytest.mark.parametrize("fault", [Kind.TIMEOUT_AFTER, Kind.TIMEOUT_BEFORE, Kind.THROTTLED])
def test_whatever_happens_to_a_call_it_is_made_good(street: Street, fault: Kind) -> None:
    street.popup()
    buy(street, "ann@example.com", "60.00")
    street.store.faults.replace([Fault("MetafieldsSet", fault)])
    publish(street)
    with street.runtime.database.system() as session:
        session.execute(update(MemberChange).values(due_at=clock.now()))
    publish(street)
    assert [one["available"] for one in published(street, "member")] == [60]


def test_a_customer_shopify_does_not_know_any_more_keeps_nobody_waiting(street: Street) -> None:
    street.popup()
    gone, stays = buy(street, "ann@example.com", "60.00"), buy(street, "bea@example.com", "5.00")
    street.store.state.delete(SHOP, "customer", gone)
    publish(street)
    assert [one["available"] for one in published(street, "member")] == [5]
    with street.runtime.database.system() as session:
        assert session.scalars(select(Customer.id).where(Customer.id == stays)).all() == [stays]
        assert session.scalar(select(func.count()).select_from(MemberChange)) == 0


def test_pending_points_are_published_anew_when_they_become_available(street: Street) -> None:
    street.popup()
    with street.runtime.database.system() as session:
        rules = {"earning": [{"kind": "per_unit", "points": 1}], "waiting_days": 14}
        session.execute(update(RuleVersion).values(rules=rules))
    buy(street, "ann@example.com", "60.00")
    with street.runtime.database.system() as session:
        until = clock.now() + timedelta(days=14)
        session.execute(update(Lot).values(available_at=until, expires_at=until + timedelta(days=30)))
        account = session.scalars(select(Lot.account_id)).one()
        found = members(session, street.shop.id, [account])[account]
        holder = Holder(street.shop.id, default_program(session, street.shop.id).id, account)
        standing = account_standing(session, holder, clock.now())
    assert (found.value["available"], found.value["pending"]) == (standing.available, standing.pending) == (0, 60)
    assert found.changes_at == until
    day = (until + timedelta(days=30)).astimezone(ZoneInfo(street.shop.timezone)).date()
    assert found.value["expires"] == {"points": 60, "day": day.isoformat()}
    publish(street)
    with street.runtime.database.system() as session:
        assert session.scalars(select(MemberChange.due_at)).all() == [until]
        assert (
            session.scalar(select(func.count()).select_from(PublishedValue).where(PublishedValue.key == "member")) == 1
        )
