"""What is said to Shopify about one code, and what its answer means. No database here: rows come in, outcomes go out.

Called by the jobs between two transactions: the claim was committed before, `settling` writes the outcome afterwards.
The rule that forbids a second discount: a code that may have been created before is looked up first, and Shopify itself
refuses to create the same code twice (`TAKEN`), so even a look-up that came too early does no harm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app import money
from app.discounts import service
from app.discounts.models import DiscountCode
from app.shopify.client import ShopifyClient
from app.shopify.errors import (
    OutcomeUnknown,
    Rejected,
    ShopGone,
    ShopifyError,
    ShopPaused,
    Throttled,
    Unauthorised,
    Unavailable,
    UserErrors,
)

# Codes of user errors that are Shopify's own trouble, not a fault of the discount.
_PASSING = frozenset({"INTERNAL_ERROR"})
_WORDS: dict[type[ShopifyError], str] = {
    Throttled: "throttled",
    UserErrors: "refused-by-shopify",
    Rejected: "request-rejected",
    Unavailable: "shopify-unavailable",
    OutcomeUnknown: "outcome-unknown",
    Unauthorised: "not-authorised",
    ShopGone: "shop-gone",
    ShopPaused: "shop-paused",
}


@dataclass(frozen=True)
class Issued:
    """The discount exists at Shopify under this id."""

    discount_id: str


@dataclass(frozen=True)
class Revoked:
    """The discount is dead at Shopify; `used` says whether somebody was quicker."""

    used: bool


@dataclass(frozen=True)
class Refused:
    """Shopify will not do it, now or later. The reason is a stable kind without personal data."""

    reason: str


@dataclass(frozen=True)
class Later:
    """Nothing is decided. `wait` None: as long as the number of attempts says; one that was not sent does not count."""

    reason: str
    wait: timedelta | None = None
    counts: bool = True


Outcome = Issued | Revoked | Refused | Later


def carry_out(connect: Callable[[], ShopifyClient], row: DiscountCode) -> Outcome:
    """Do at Shopify what the claimed row wants: create its discount, or make it useless."""
    try:
        client = connect()
        return _withdraw(client, row) if row.state == "revoking" else _issue(client, row)
    except ShopifyError as error:
        return _meaning(error)


def _issue(client: ShopifyClient, row: DiscountCode) -> Outcome:
    # The claim counted this attempt; any earlier one may have taken effect without our hearing of it.
    found = _look_up(client, row) if row.attempts > 1 else None
    return found or _create(client, row)


def _create(client: ShopifyClient, row: DiscountCode) -> Outcome:
    try:
        data = client.execute("DiscountCodeBasicCreate", {"basicCodeDiscount": discount_input(row)})
    except OutcomeUnknown:
        return _look_up_at_once(client, row) or Later("outcome-unknown")
    except UserErrors as error:
        if "TAKEN" not in error.codes:
            raise
        return _look_up(client, row) or Later("taken-but-not-found")
    return Issued(data["discountCodeBasicCreate"]["codeDiscountNode"]["id"])


def _look_up_at_once(client: ShopifyClient, row: DiscountCode) -> Issued | Refused | None:
    """Mostly it did take effect, and then the shopper need not wait; else the next attempt begins with this look-up."""
    try:
        return _look_up(client, row)
    except ShopifyError:
        return None


def _look_up(client: ShopifyClient, row: DiscountCode) -> Issued | Refused | None:
    """Our discount under this code, somebody else's, or none."""
    node = client.execute("CodeDiscountNodeByCode", {"code": row.code})["codeDiscountNodeByCode"]
    if node is None:
        return None
    discount = node["codeDiscount"]
    ours = discount.get("title") == row.title or service.tags(row)[1] in discount.get("tags", [])
    return Issued(node["id"]) if ours else Refused("code-taken")


def _withdraw(client: ShopifyClient, row: DiscountCode) -> Outcome:
    """Deactivate, which may be repeated, and see whether the code had been used."""
    try:
        data = client.execute("DiscountCodeDeactivate", {"id": row.discount_id})
    except UserErrors:
        # Deleted in Shopify's admin: as dead as it can be.
        if _look_up(client, row) is None:
            return Revoked(used=False)
        raise
    discount = data["discountCodeDeactivate"]["codeDiscountNode"]["codeDiscount"]
    return Revoked(used=discount.get("asyncUsageCount", 0) > 0)


def _meaning(error: ShopifyError) -> Outcome:
    """What the caller does about an error that has no answer of its own above."""
    if isinstance(error, Throttled | ShopPaused):
        return Later(_reason(error), timedelta(seconds=error.wait), counts=False)
    if isinstance(error, UserErrors) and error.codes & _PASSING:
        return Later(_reason(error))
    if error.kind in {"retry", "reauthorise"}:
        wait = error.wait if isinstance(error, Unavailable) else 0
        return Later(_reason(error), timedelta(seconds=wait) if wait else None)
    return Refused(_reason(error))


def _reason(error: ShopifyError) -> str:
    """A stable word for the error, with Shopify's own codes where there are any; no message, it may quote a person."""
    codes = sorted(error.codes) if isinstance(error, UserErrors | Rejected) else []
    return ":".join([_WORDS.get(type(error), "shopify-error"), *codes])


def discount_input(row: DiscountCode) -> dict[str, Any]:
    """`DiscountCodeBasicInput` (2026-10): once, for one customer, an amount off in the shop's currency."""
    amount = money.to_decimal_string(row.value_minor, row.currency)
    end = {"endsAt": row.ends_at.isoformat()} if row.ends_at else {}
    return {
        "title": row.title,
        "code": row.code,
        "startsAt": row.starts_at.isoformat(),
        **end,
        "context": {"customers": {"add": [f"gid://shopify/Customer/{row.customer_id}"]}},
        "customerGets": {
            "value": {"discountAmount": {"amount": amount, "appliesOnEachItem": False}},
            "items": {"all": True},
        },
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "tags": service.tags(row),
    }
