"""What a GraphQL answer means: its data, or the one error that describes it best.

`client` and the installation use it. What must stay true: data with errors beside it is never taken for success, but
for personal fields that Shopify withholds from this app; and a mutation that may have run is never reported as one that
did not, whatever else the answer says.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.shopify.buckets import Cost
from app.shopify.errors import (
    OutcomeUnknown,
    Rejected,
    ShopifyError,
    ShopPaused,
    Throttled,
    UserErrors,
    error_code,
)

_UNCLEAR = {"INTERNAL_SERVER_ERROR", "TIMEOUT"}
# Fields of protected customer data, level 2 (shopify-platform 7.3): each is approved for an app on its own, and null
# with an error where it was not. Every one of them may be null for other reasons as well, so nothing else changes.
_PROTECTED = frozenset(
    {"email", "phone", "firstName", "lastName", "displayName", "defaultEmailAddress", "defaultPhoneNumber"}
    | {"emailAddress", "phoneNumber", "defaultAddress", "addresses", "city", "province", "provinceCode", "zip"}
    | {"address1", "address2", "country", "countryCodeV2", "shippingAddress", "billingAddress"}
)


class Answer(NamedTuple):
    """The `data`, and the personal fields that are null because Shopify withholds them, as `customer.email`."""

    data: dict[str, Any]
    withheld: frozenset[str] = frozenset()


def read(document: Mapping[str, Any], cost: Cost, *, changes: bool) -> Answer:
    """An answer with HTTP status 200; `changes` for a mutation.

    Raises Throttled, ShopPaused, Rejected, UserErrors, or OutcomeUnknown where a mutation's effect cannot be told.
    """
    data, errors = document.get("data"), document.get("errors")
    errors = errors if isinstance(errors, list) else [errors] if errors else []
    if errors and not (withheld := _withheld(data, errors)):
        raise _error_of(errors, data, cost, changes=changes)
    if not isinstance(data, dict):
        raise OutcomeUnknown("the answer holds neither data nor errors")
    if changes and (refusals := _user_errors(data)):
        raise UserErrors(refusals)
    return Answer(data, withheld if errors else frozenset())


def _error_of(errors: list[Any], data: Any, cost: Cost, *, changes: bool) -> ShopifyError:
    if changes and isinstance(data, dict):
        if refusals := _user_errors(data):
            return UserErrors(refusals)
        if any(payload is not None for payload in data.values()):
            return OutcomeUnknown("the mutation ran, but its answer is incomplete")
    codes = {error_code(error) for error in errors}
    if codes & _UNCLEAR:
        return OutcomeUnknown("Shopify failed while it executed the operation")
    if "THROTTLED" in codes:
        return Throttled(cost.wait())
    if "SHOP_INACTIVE" in codes:
        return ShopPaused("closed")
    return Rejected(errors)


def _withheld(data: Any, errors: list[Any]) -> frozenset[str]:
    """The withheld fields, if the errors speak of nothing else and what they are fields of is there."""
    paths = [_withheld_path(error) for error in errors]
    return frozenset(path for path in paths if path) if isinstance(data, dict) and all(paths) else frozenset()


def _withheld_path(error: Any) -> str | None:
    """`customer.email` of ["customer", "email"]. A missing scope is something else: then Shopify names the scope."""
    path = error.get("path") if isinstance(error, dict) else None
    if error_code(error) != "ACCESS_DENIED" or not isinstance(path, list) or len(path) < 2:
        return None
    names = [str(step) for step in path if not isinstance(step, int)]
    scoped = error["extensions"].get("requiredAccess")
    return ".".join(names) if names[-1] in _PROTECTED and not scoped else None


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
