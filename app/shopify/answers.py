"""What a GraphQL answer means: its data, or the one error that describes it best.

`client` and the installation use it. What must stay true: data with errors beside it is never taken for success, and a
mutation that may have run is never reported as one that did not.
"""

from collections.abc import Mapping
from typing import Any

from app.shopify.buckets import Cost
from app.shopify.errors import (
    OutcomeUnknown,
    Rejected,
    ShopGone,
    ShopifyError,
    Throttled,
    UserErrors,
    error_code,
)

_UNCLEAR = {"INTERNAL_SERVER_ERROR", "TIMEOUT"}


def data_of(document: Mapping[str, Any], cost: Cost, *, changes: bool) -> dict[str, Any]:
    """The `data` of an answer with HTTP status 200; `changes` for a mutation.

    Raises Throttled, ShopGone, Rejected, UserErrors, or OutcomeUnknown where a mutation's effect cannot be told.
    """
    data, errors = document.get("data"), document.get("errors")
    if errors:
        raise _error_of(errors if isinstance(errors, list) else [errors], data, cost, changes=changes)
    if not isinstance(data, dict):
        raise OutcomeUnknown("the answer holds neither data nor errors")
    if changes and (refusals := _user_errors(data)):
        raise UserErrors(refusals)
    return data


def _error_of(errors: list[Any], data: Any, cost: Cost, *, changes: bool) -> ShopifyError:
    codes = {error_code(error) for error in errors}
    if "THROTTLED" in codes:
        return Throttled(cost.wait())
    if "SHOP_INACTIVE" in codes:
        return ShopGone("the shop is not active")
    if changes and isinstance(data, dict):
        if refusals := _user_errors(data):
            return UserErrors(refusals)
        if any(payload is not None for payload in data.values()):
            return OutcomeUnknown("the mutation ran, but its answer is incomplete")
    if codes & _UNCLEAR:
        return OutcomeUnknown("Shopify failed while it executed the operation")
    return Rejected(errors)


def _user_errors(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those of every payload; the field is mostly `userErrors`, sometimes with a word before it."""
    return [
        error
        for payload in data.values()
        if isinstance(payload, dict)
        for name, listed in payload.items()
        if name.lower().endswith("usererrors") and isinstance(listed, list)
        for error in listed
    ]
