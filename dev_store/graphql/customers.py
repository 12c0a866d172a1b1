"""Customers as the Admin API shows them. Writing is in `customer_writes` and `consent`, registered from here."""

from datetime import UTC
from typing import Any

from dev_store.graphql import consent, customer_writes
from dev_store.graphql.connections import connection, count
from dev_store.graphql.context import Context
from dev_store.graphql.errors import refusal
from dev_store.graphql.gids import gid, number_of, number_or_none
from dev_store.graphql.scalars import instant
from dev_store.graphql.schema import query, resolves
from dev_store.graphql.search import matches, parse
from dev_store.money import to_text
from dev_store.state import Document

__all__ = ["consent", "customer_writes"]

_SORTS = {
    "UPDATED_AT": lambda doc: (instant(doc["updated_at"]), doc["id"]),
    "CREATED_AT": lambda doc: (instant(doc["created_at"]), doc["id"]),
    "NAME": lambda doc: ((doc["last_name"] or "").lower(), (doc["first_name"] or "").lower(), doc["id"]),
}
_SEARCH = {
    "default": lambda doc: " ".join(
        str(doc[key]) for key in ("first_name", "last_name", "email", "phone") if doc.get(key)
    ),
    "id": lambda doc: doc["id"],
    "email": lambda doc: doc["email"],
    "phone": lambda doc: doc["phone"],
    "first_name": lambda doc: doc["first_name"],
    "last_name": lambda doc: doc["last_name"],
    "state": lambda doc: doc["state"],
    "tag": lambda doc: doc["_tags"],
    "updated_at": lambda doc: instant(doc["updated_at"]).astimezone(UTC),
    "customer_date": lambda doc: instant(doc["created_at"]).astimezone(UTC),
}


@query("customer")
def customer(_source: Any, context: Context, id_: str) -> Document | None:
    return context.state.get(context.shop, "customer", number_of(id_, "Customer"))


@query("customerByIdentifier")
def customer_by_identifier(_source: Any, context: Context, identifier: dict[str, Any]) -> Document | None:
    """By id, e-mail address or phone number; a custom id needs a metafield definition, which nobody can make here."""
    if "customId" in identifier:
        raise custom_id_refused()
    if "id" in identifier:
        number = number_or_none(identifier["id"], "Customer")
        return context.state.get(context.shop, "customer", number) if number else None
    field = "email" if "emailAddress" in identifier else "phone"
    wanted = str(identifier.get("emailAddress") or identifier.get("phoneNumber") or "").strip().lower()
    return next(iter(context.state.find(context.shop, "customer", field, wanted)), None)


def custom_id_refused() -> Exception:
    return refusal("Metafield definition of type 'id' is required when using custom ids.", "NOT_FOUND")


@query("customers")
def customers(
    _source: Any,
    context: Context,
    query: str | None = None,
    sort_key: str = "ID",
    reverse: bool = False,
    **page: Any,
) -> dict[str, Any]:
    found = _found(context, query)
    if sort_key in _SORTS:
        found.sort(key=_SORTS[sort_key])
    return connection(found, reverse=reverse, **page)


@query("customersCount")
def customers_count(_source: Any, context: Context, query: str | None = None, limit: int | None = 10_000) -> Any:
    return count(len(_found(context, query)), limit)


def _found(context: Context, text: str | None) -> list[Document]:
    """An e-mail alone is looked up by its index, everything else asks every customer."""
    terms = parse(text)
    if len(terms) == 1 and len(terms[0]) == 1 and terms[0][0].field == "email" and not terms[0][0].negated:
        return context.state.find(context.shop, "customer", "email", terms[0][0].value.lower())
    return [doc for doc in context.state.all(context.shop, "customer") if matches(terms, doc, _SEARCH)]


@resolves("Customer", "displayName")
def display_name(source: Document, _context: Context) -> str:
    """Name, else e-mail, else phone: what the admin lists the customer under."""
    name = " ".join(part for part in (source["first_name"], source["last_name"]) if part)
    return name or source["email"] or source["phone"] or ""


@resolves("Customer", "legacyResourceId")
def legacy_resource_id(source: Document, _context: Context) -> int:
    return int(source["id"])


@resolves("Customer", "tags")
def tags(source: Document, _context: Context) -> list[str]:
    return sorted(source["_tags"])


@resolves("Customer", "note")
def note(source: Document, _context: Context) -> str | None:
    return source["note"] or None


@resolves("Customer", "locale")
def locale(source: Document, _context: Context) -> str:
    return str(source["_locale"])


@resolves("Customer", "dataSaleOptOut")
def data_sale_opt_out(_source: Document, _context: Context) -> bool:
    return False


@resolves("Customer", "validEmailAddress")
def valid_email_address(source: Document, _context: Context) -> bool:
    return bool(source["email"])


@resolves("Customer", "productSubscriberStatus")
def product_subscriber_status(_source: Document, _context: Context) -> str:
    return "NEVER_SUBSCRIBED"


@resolves("Customer", "canDelete")
def can_delete(source: Document, context: Context) -> bool:
    return not _orders(source, context)


@resolves("Customer", "numberOfOrders")
def number_of_orders(source: Document, context: Context) -> int:
    return len(_orders(source, context))


@resolves("Customer", "amountSpent")
def amount_spent(source: Document, context: Context) -> dict[str, Any]:
    """What was received for orders and not given back."""
    spent = sum(order["_received"] - order["_refunded"] for order in _orders(source, context))
    return context.money(to_text(spent, context.currency))


@resolves("Customer", "lastOrder")
def last_order(source: Document, context: Context) -> Document | None:
    return max(_orders(source, context), key=lambda order: (instant(order["created_at"]), order["id"]), default=None)


@resolves("Customer", "orders")
def orders(source: Document, context: Context, sort_key: str = "ID", **page: Any) -> dict[str, Any]:
    """In the order of their ids, which is also the order in which they were placed."""
    del sort_key
    page.pop("query", None)
    return connection(_orders(source, context), **page)


@resolves("Customer", "storeCreditAccounts")
def store_credit_accounts(_source: Document, _context: Context, **page: Any) -> dict[str, Any]:
    """Nobody has any: the development store knows no store credit."""
    page.pop("query", None)
    return connection([], **page)


@resolves("Customer", "defaultAddress")
def default_address(source: Document, context: Context) -> dict[str, Any] | None:
    return next(iter(_addresses(source, context)), None)


@resolves("Customer", "addressesV2")
def addresses(source: Document, context: Context, **page: Any) -> dict[str, Any]:
    return connection(_addresses(source, context), key=lambda item: item["_number"], **page)


@resolves("Customer", "defaultEmailAddress")
def default_email_address(source: Document, context: Context) -> dict[str, Any] | None:
    if not source["email"]:
        return None
    held = source["_email_marketing_consent"]
    unsubscribe = f"https://{context.shop}/account/unsubscribe"
    return {
        "emailAddress": source["email"],
        "marketingState": held["state"],
        "marketingOptInLevel": held["opt_in_level"] or "single_opt_in",
        "marketingUpdatedAt": held["consent_updated_at"],
        "marketingUnsubscribeUrl": unsubscribe,
        "openTrackingLevel": "UNKNOWN",
        "openTrackingUrl": unsubscribe,
        "sourceLocation": None,
        "validFormat": True,
    }


@resolves("Customer", "emailMarketingConsent")
def email_marketing_consent(source: Document, _context: Context) -> dict[str, Any] | None:
    return _consent_state(source, "email", {})


@resolves("Customer", "smsMarketingConsent")
def sms_marketing_consent(source: Document, _context: Context) -> dict[str, Any] | None:
    return _consent_state(source, "sms", {"consentCollectedFrom": "OTHER"})


@resolves("Customer", "defaultPhoneNumber")
def default_phone_number(source: Document, _context: Context) -> dict[str, Any] | None:
    if not source["phone"]:
        return None
    held = source["_sms_marketing_consent"]
    asked = held["consent_updated_at"] is not None
    level, collected = held["opt_in_level"] or "single_opt_in", "OTHER" if asked else None
    never = {"not_subscribed": "never_subscribed"}
    own = {
        "state": never.get(held["state"], held["state"]),
        "optInLevel": level,
        "updatedAt": held["consent_updated_at"],
    }
    return {
        "phoneNumber": source["phone"],
        "marketingState": held["state"],
        "marketingOptInLevel": level,
        "marketingUpdatedAt": held["consent_updated_at"],
        "marketingCollectedFrom": collected,
        "smsMarketingConsent": {**own, "collectedFrom": collected, "sourceLocation": None},
        "sourceLocation": None,
    }


def _consent_state(source: Document, kind: str, more: dict[str, Any]) -> dict[str, Any] | None:
    if not source["email" if kind == "email" else "phone"]:
        return None
    held = source[f"_{kind}_marketing_consent"]
    return {
        "marketingState": held["state"],
        "marketingOptInLevel": held["opt_in_level"] or "single_opt_in",
        "consentUpdatedAt": held["consent_updated_at"],
        "sourceLocation": None,
        **more,
    }


def _orders(source: Document, context: Context) -> list[Document]:
    """Asked once a customer and request: several fields need them."""
    key = f"orders of {source['id']}"
    if key not in context.memo:
        context.memo[key] = context.state.find(context.shop, "order", "customer_id", source["id"])
    found: list[Document] = context.memo[key]
    return found


def _addresses(source: Document, _context: Context) -> list[dict[str, Any]]:
    """A customer made through the API has the addresses it was given, which `_addresses` then lists."""
    held = source["_addresses"] if "_addresses" in source else source["addresses"]
    return [mailing_address(address) for address in held]


def mailing_address(address: dict[str, Any]) -> dict[str, Any]:
    """A webhook-shaped address as a `MailingAddress`; empty texts are null there."""
    shown = {key: value or None for key, value in address.items() if key not in ("id", "customer_id", "default")}
    region = " ".join(part for part in (address.get("city"), address.get("province_code")) if part)
    area = ", ".join(part for part in (region, address.get("country")) if part)
    number = address.get("id", 0)
    return {
        **shown,
        "id": gid("MailingAddress", f"{number}?model_name=CustomerAddress"),
        "_number": number,
        "countryCodeV2": address.get("country_code"),
        "formattedArea": area or None,
        "coordinatesValidated": False,
    }
