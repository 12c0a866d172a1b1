"""Bodies and headers that no shop ever sends, made from those that shops do send. Seeded: a case is its number."""

import copy
import json
import random
from dataclasses import dataclass
from typing import Any

from tests.shopify.signing import OLD_SECRET, SECRET
from tests.webhooks.deliveries import START, customer_body, money, order_body, refund_body
from webhooks.verification import sign

# What an attribute may turn into: other types, edges of 64 bits, numbers that are too short to be harmless, text that
# is none, instants at the ends of the calendar, currencies that are none.
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**40, 1.5, -0.0, 1e308, 5e-324,
    "", " ", "0", "-1", "-12.50", "1e999990", "1e999999", "-1E+400", "1e-999999", "NaN", "sNaN", "Infinity", "1_0", "٣",
    "9" * 5000, "0." + "0" * 5000 + "1", "99999999999999999999", "92233720368547758.07", "9223372036854775807",
    "\x00", "a\x00b", "\u202e", "é" * 3000, "x" * 20_000, "\U0001f4a5", "\ufeff", "gid://shopify/Order/", "gid://x/y/7?z",
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z",
    "1582-10-10T00:00:00Z", "2026-02-30T00:00:00Z", "2026-03-01", "20260301T120000", "2026-03-01T12:00:00,5+00:00",
    "USD", "usd", "JPY", "KWD", "ZZZ", "ßßß", "€€€", "US", [], {}, [[]], [None], [1, "a", {}], {"id": 1}, {"": ""},
    {"shop_money": []}, {"shop_money": {"amount": {}}}, money("1e999990"), money("-5.00", "JPY"), money("1", "\x00"),
)  # fmt: skip
CONSENT = {"state": "subscribed", "opt_in_level": "single_opt_in", "consent_updated_at": "2026-03-01T00:00:00Z"}
PERSON = {"id": 7, "email": "ada@example.com", "phone": "+4915112345678"}
_WRAPPED = {"shop_id": None, "shop_domain": "demo.myshopify.com", "customer": PERSON}


def _order(number: int) -> dict[str, Any]:
    line = {"id": number, "product_id": 5, "variant_id": 6, "sku": "A", "title": "Tea", "quantity": 2, "price": "5.00",
            "discount_allocations": [{"amount": "1.00", "amount_set": money("1.00")}], "gift_card": False}  # fmt: skip
    return order_body(
        number,
        customer_id=number % 40 + 1,
        email="ada@example.com",
        name=f"#{number}",
        line_items=[line],
        refunds=[refund_body(number, number, lines="2.00", loose="1.00")],
        discount_codes=[{"code": "TEA", "amount": "1.00", "type": "fixed_amount"}],
        cancelled_at=None,
        company={"id": 3},
        landing_site="/?ref=1",
    )


def valid_body(topic: str, number: int) -> dict[str, Any]:
    """A body as Shopify sends it under the topic; `number` names the order, refund or customer."""
    customer = number % 40 + 1
    gid = "gid://shopify/Customer/{}"
    bodies: dict[str, dict[str, Any]] = {
        "orders/edited": {"order_edit": {"id": number, "order_id": number}},
        "orders/delete": {"id": number},
        "refunds/create": refund_body(number, number, lines="5.00", loose="1.00"),
        "customers/delete": {"id": customer},
        "customers/merge": {
            "admin_graphql_api_customer_kept_id": gid.format(customer),
            "admin_graphql_api_customer_deleted_id": gid.format(customer + 100),
            "status": "completed",
        },
        "customers_email_marketing_consent/update": {"customer_id": customer, "email_marketing_consent": CONSENT},
        "customers_marketing_consent/update": {"id": customer, "sms_marketing_consent": CONSENT},
        "customer.tags_added": {"customerId": gid.format(customer), "tags": ["vip"], "occurredAt": None},
        "customer.tags_removed": {"customerId": gid.format(customer), "tags": ["vip"], "occurredAt": None},
        "customers/data_request": {**_WRAPPED, "orders_requested": [number]},
        "customers/redact": {**_WRAPPED, "orders_to_redact": [number]},
        "shop/redact": {"shop_id": None, "shop_domain": "demo.myshopify.com"},
        "app/uninstalled": {"id": 1, "domain": "demo.myshopify.com"},
    }
    address = {"country_code": "DE", "province_code": "BE", "city": "Berlin"}
    person = customer_body(customer, email=f"c{customer}@example.com", phone="+49151", default_address=address)
    family = _order(number) if topic.startswith("orders/") else person
    return copy.deepcopy(bodies.get(topic, family))


@dataclass(frozen=True)
class Case:
    """A request to the door. `genuine`: its signature is right. `webhook_id` is None when its headers are odd."""

    topic: str
    raw: bytes
    headers: tuple[tuple[str, str], ...]
    genuine: bool
    webhook_id: str | None


def case(number: int, topics: list[str]) -> Case:
    """The request of this number: the same on every machine."""
    dice = random.Random(number)
    topic = dice.choice(topics)
    raw = _raw(dice, _mutated(dice, valid_body(topic, number)))
    genuine = dice.random() < 0.9
    headers = _headers(topic, number)
    odd = dice.random() < 0.15
    if odd:
        _distort(dice, headers)
    headers += _signature(dice, raw, genuine)
    return Case(topic, raw, tuple(headers), genuine, None if odd else f"fuzz-{number}")


def _mutated(dice: random.Random, body: dict[str, Any]) -> Any:
    if dice.random() < 0.02:
        return dice.choice(HOSTILE)
    for _ in range(dice.choice((0, 1, 1, 1, 2, 5))):
        if places := list(_places(body)):
            _change(dice, *dice.choice(places))
    return body


def _places(value: Any) -> Any:
    """Every place in a body where another value could stand."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(entries):
        yield value, key
        yield from _places(part)


def _change(dice: random.Random, holder: Any, key: Any) -> None:
    kind = dice.random()
    if kind < 0.75:
        holder[key] = copy.deepcopy(dice.choice(HOSTILE))
    elif kind < 0.85:
        del holder[key]
    elif kind < 0.95:
        holder[key] = [holder[key]] * dice.choice((1, 2, 30))
    elif isinstance(holder, dict):
        holder["\ud800" if dice.random() < 0.3 else "\x00"] = holder[key]


def _raw(dice: random.Random, body: Any) -> bytes:
    """JSON, and now and then what was JSON before something happened to it."""
    text = json.dumps(body)
    kind = dice.random()
    if kind < 0.80:
        return text.encode()
    broken = (
        text[: dice.randrange(len(text) + 1)].encode(),
        json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        bytes(byte if dice.random() > 0.01 else dice.randrange(256) for byte in text.encode()),
        text.encode("utf-16"),
        (text[:-1] + ', "id": 5, "id": "6"}').encode(),
        text.replace('"id": ', '"id": ' + "[" * 3000, 1).encode(),
        ('{"id":' * 900 + "1" + "}" * 900).encode(),
        text.replace("100.00", "1e999990").replace("5.00", "\\ud83d").encode(),
        b"\xef\xbb\xbf" + text.encode(),
        dice.randbytes(dice.randrange(200)),
    )
    return dice.choice(broken)


_ODD = (
    "",
    " ",
    "\x00",
    "ü",
    "\xff" * 300,
    "x" * 5000,
    "☃".encode().decode("latin-1"),
    "a,b",
    "0001-01-01T00:00:00+23:59",
)
_NAMES = ("Topic", "Shop-Domain", "Webhook-Id", "Event-Id", "API-Version", "Triggered-At")


def _headers(topic: str, number: int) -> list[tuple[str, str]]:
    values = [topic, "demo.myshopify.com", f"fuzz-{number}", f"event-{number}", "2026-10", START.isoformat()]
    return [(f"X-Shopify-{name}", value) for name, value in zip(_NAMES, values, strict=True)]


def _distort(dice: random.Random, headers: list[tuple[str, str]]) -> None:
    """One header is missing, odd, there twice, or written otherwise."""
    place = dice.randrange(len(headers))
    name, value = headers[place]
    odd = dice.choice(_ODD)
    headers[place : place + 1] = dice.choice(
        ([], [(name, odd)], [(name, value), (name, odd)], [(name.upper(), value + " ")])
    )


def _signature(dice: random.Random, raw: bytes, genuine: bool) -> list[tuple[str, str]]:
    name = "X-Shopify-Hmac-Sha256"
    if genuine:
        return [(name, sign(raw, dice.choice((SECRET, SECRET, OLD_SECRET))).decode())]
    right = sign(raw, SECRET).decode()
    forged = (sign(raw, "guess").decode(), sign(raw, "").decode(), sign(raw + b" ", SECRET).decode(), right[:-1],
              right.swapcase(), "", "=" * 9000, "ü", right + "x", "\x00" + right)  # fmt: skip
    return [] if dice.random() < 0.1 else [(name, dice.choice(forged))]
