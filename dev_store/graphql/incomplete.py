"""Answers that lack something although the work was done; `routes` passes through here what meets a fault.

Errors look as Shopify's do: a path, a code in `extensions`. What is withheld is named by no scope, since no scope opens
it: access to protected customer data is approved by Shopify, field by field.
"""

from collections.abc import Iterator
from typing import Any

from dev_store.faults import Kind

Body = dict[str, Any]

# Protected customer data, level 2: name, address, phone, e-mail.
PROTECTED = frozenset(
    {"email", "phone", "firstName", "lastName", "displayName", "defaultEmailAddress", "defaultPhoneNumber"}
    | {"defaultAddress", "addresses", "shippingAddress", "billingAddress"}
)


def answer(body: Body, kind: Kind) -> Body:
    """The body with the parts missing that the fault takes away, and an error for each."""
    if not isinstance(body.get("data"), dict) or kind not in (Kind.PARTIAL, Kind.WITHHELD):
        return body
    errors = list(_withhold(body["data"], [])) if kind is Kind.WITHHELD else _break_off(body["data"])
    return {**body, "errors": [*body.get("errors", []), *errors]} if errors else body


def _withhold(value: Any, path: list[str | int]) -> Iterator[Body]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _withhold(item, [*path, place])
    if not isinstance(value, dict):
        return
    for name, part in value.items():
        if name in PROTECTED and path and part is not None:
            value[name] = None
            message = f"This app is not approved to use the {name} field."
            yield {"message": message, "path": [*path, name], "extensions": {"code": "ACCESS_DENIED"}}
        else:
            yield from _withhold(part, [*path, name])


def _break_off(data: Body) -> list[Body]:
    """The first object below each root field is lost, as when a part of Shopify did not answer in time."""
    errors = []
    for root, value in data.items():
        for name, part in (value or {}).items():
            if isinstance(part, dict):
                value[name] = None
                path = [root, name]
                extensions = {"code": "INTERNAL_SERVER_ERROR"}
                errors.append({"message": "Internal error.", "path": path, "extensions": extensions})
                break
    return errors
