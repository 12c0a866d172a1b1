"""What is said to Shopify about a pool, and what its answers mean. No database here.

The pool's discount is made with its first code, all others are added to it. Codes that Shopify calls taken may be ours
from an attempt whose answer was lost: whether they are is asked, never assumed.
"""

import time
from dataclasses import dataclass
from typing import Any

from app import money
from app.discounts.pools.models import CodePool
from app.discounts.service import TAG
from app.shopify.client import ShopifyClient
from app.shopify.errors import UserErrors

# A bulk creation of 250 codes takes Shopify some seconds.
_POLLS, _POLL_SECONDS = 20, 0.5


@dataclass(frozen=True)
class Filled:
    """What Shopify holds now: the discount, codes that work, codes that it will not have. Others are still open."""

    discount_id: str
    free: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


class CodeTaken(Exception):
    """The code that should make the discount belongs to somebody else's."""


def fill(client: ShopifyClient, pool: CodePool, codes: tuple[str, ...]) -> Filled:
    """Make the discount, or add codes to it. Raises ShopifyError as the client does, and CodeTaken."""
    if pool.discount_id is None:
        return Filled(_make(client, pool, codes[0]), free=codes[:1])
    return _add(client, pool, pool.discount_id, codes) if codes else Filled(pool.discount_id)


def _make(client: ShopifyClient, pool: CodePool, code: str) -> str:
    # An earlier attempt may have taken effect without our hearing of it.
    if pool.attempts > 1 and (found := _owner(client, code)):
        return _ours(found, pool)
    try:
        data = client.execute("DiscountCodeBasicCreate", {"basicCodeDiscount": discount_input(pool, code)})
    except UserErrors as error:
        if "TAKEN" in error.codes and (found := _owner(client, code)):
            return _ours(found, pool)
        raise
    made: str = data["discountCodeBasicCreate"]["codeDiscountNode"]["id"]
    return made


def _ours(node: dict[str, Any], pool: CodePool) -> str:
    if tag_of(pool) not in node["codeDiscount"].get("tags", []):
        raise CodeTaken
    return str(node["id"])


def _owner(client: ShopifyClient, code: str) -> dict[str, Any] | None:
    node: dict[str, Any] | None = client.execute("CodeDiscountNodeByCode", {"code": code})["codeDiscountNodeByCode"]
    return node


def _add(client: ShopifyClient, pool: CodePool, discount_id: str, codes: tuple[str, ...]) -> Filled:
    variables = {"discountId": discount_id, "codes": [{"code": code} for code in codes]}
    data = client.execute("DiscountRedeemCodeBulkAdd", variables)
    outcome = _wait(client, data["discountRedeemCodeBulkAdd"]["bulkCreation"]["id"])
    free = {entry["code"] for entry in outcome if entry["discountRedeemCode"]}
    doubtful = [entry["code"] for entry in outcome if not entry["discountRedeemCode"]]
    mine = {code for code in doubtful if (node := _owner(client, code)) and node["id"] == discount_id}
    return Filled(discount_id, tuple(sorted(free | mine)), tuple(sorted(set(doubtful) - mine)))


def _wait(client: ShopifyClient, creation: str) -> list[dict[str, Any]]:
    """The codes of a bulk creation once it is done; what is not done in time is asked about in the next attempt."""
    for _ in range(_POLLS):
        data = client.execute("DiscountRedeemCodeBulkCreation", {"id": creation})["discountRedeemCodeBulkCreation"]
        if data["done"]:
            codes: list[dict[str, Any]] = data["codes"]["nodes"]
            return codes
        time.sleep(_POLL_SECONDS)
    return []


def tag_of(pool: CodePool) -> str:
    """By which the discount is known as this pool's."""
    return f"{TAG}-pool-{pool.id}"


def discount_input(pool: CodePool, code: str) -> dict[str, Any]:
    """`DiscountCodeBasicInput` (2026-10): each code once, each customer once, for everybody."""
    combines = dict.fromkeys(("orderDiscounts", "productDiscounts", "shippingDiscounts"), pool.combines)
    minimum = money.to_decimal_string(pool.minimum_minor, pool.currency)
    return {
        "title": pool.title,
        "code": code,
        "startsAt": pool.starts_at.isoformat(),
        **({"endsAt": pool.ends_at.isoformat()} if pool.ends_at else {}),
        "context": {"all": "ALL"},
        "customerGets": {"value": _value(pool), "items": {"all": True}},
        **(
            {"minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": minimum}}}
            if pool.minimum_minor
            else {}
        ),
        "combinesWith": combines,
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "tags": [TAG, tag_of(pool)],
    }


def _value(pool: CodePool) -> dict[str, Any]:
    if pool.kind == "percent_off":
        return {"percentage": pool.value / 10_000}
    amount = money.to_decimal_string(pool.value, pool.currency)
    return {"discountAmount": {"amount": amount, "appliesOnEachItem": False}}
