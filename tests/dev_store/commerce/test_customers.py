"""Customers: registering, consent, merging, leaving, being forgotten."""

import pytest

from dev_store.commerce import Commerce, OrderLine, open_shop
from dev_store.refusals import RefusalError, Unknown
from tests.dev_store.scene import NOON, SHOP, Sent

MUG = [OrderLine("Mug", 1, "10.00")]


def test_registering_with_consent_announces_customer_and_consent(shop: Commerce, sent: Sent) -> None:
    ann = shop.create_customer(at=NOON, email="ann@example.com", accepts_marketing=True)
    assert [topic for topic, _ in sent()] == ["customers/create", "customers_email_marketing_consent/update"]
    assert not {"tags", "orders_count", "email_marketing_consent"} & set(sent()[0][1])
    body = sent()[1][1]
    assert (body["customer_id"], body["email_marketing_consent"]["state"]) == (ann, "subscribed")


@pytest.mark.parametrize("email", ["ann@example.com", " ANN@Example.com"])
def test_an_address_belongs_to_one_customer(shop: Commerce, email: str) -> None:
    shop.create_customer(at=NOON, email="ann@example.com")
    bob = shop.create_customer(at=NOON, email="bob@example.com")
    with pytest.raises(RefusalError, match="taken"):
        shop.create_customer(at=NOON, email=email)
    with pytest.raises(RefusalError, match="taken"):
        shop.update_customer(bob, at=NOON, email=email)


def test_consent_needs_an_address_and_a_known_state(shop: Commerce) -> None:
    key = shop.create_customer(at=NOON, phone="+15550100")
    with pytest.raises(RefusalError, match="no e-mail"):
        shop.set_email_consent(key, "subscribed", at=NOON)
    with pytest.raises(RefusalError, match="no state"):
        shop.set_sms_consent(key, "maybe", at=NOON)


def test_who_has_bought_cannot_be_deleted(shop: Commerce) -> None:
    ann = shop.create_customer(at=NOON, email="ann@example.com")
    shop.place_order(at=NOON, customer_id=ann, lines=MUG)
    with pytest.raises(RefusalError, match="has orders"):
        shop.delete_customer(ann, at=NOON)


def test_a_merge_moves_orders_and_removes_the_second_registration(shop: Commerce, sent: Sent) -> None:
    kept = shop.create_customer(at=NOON, email="ann@example.com")
    twin = shop.create_customer(at=NOON, email="ann@example.org", phone="+15550100")
    order = shop.place_order(at=NOON, customer_id=twin, lines=MUG)
    shop.merge_customers(kept, twin, at=NOON)
    assert shop.state.get(SHOP, "customer", twin) is None
    assert [found["id"] for found in shop.state.find(SHOP, "order", "customer_id", kept)] == [order]
    topic, body = sent()[-1]
    assert topic == "customers/merge"
    assert body["admin_graphql_api_customer_kept_id"] == f"gid://shopify/Customer/{kept}"
    assert body["admin_graphql_api_customer_deleted_id"] == f"gid://shopify/Customer/{twin}"


def test_a_request_for_erasure_names_the_orders_and_the_shop_forgets_too(shop: Commerce, sent: Sent) -> None:
    ann = shop.create_customer(at=NOON, email="ann@example.com", first_name="Ann")
    order = shop.place_order(at=NOON, customer_id=ann, lines=MUG)
    shop.redact_customer(ann, at=NOON)
    _, body = sent()[-1]
    assert body["orders_to_redact"] == [order]
    assert body["customer"] == {"id": ann, "email": "ann@example.com", "phone": None}
    kept = shop.state.get(SHOP, "customer", ann)
    assert kept is not None
    assert (kept["email"], kept["first_name"]) == (None, None)


def test_a_shop_is_opened_once(shop: Commerce) -> None:
    with pytest.raises(RefusalError, match="already"):
        open_shop(shop.state, SHOP, name="Again", at=NOON)


def test_a_customer_who_is_not_there_is_unknown(shop: Commerce) -> None:
    with pytest.raises(Unknown):
        shop.update_customer(1, at=NOON, note="hello")
    with pytest.raises(Unknown):
        shop.place_order(at=NOON, customer_id=1, lines=MUG)
