"""What is said to Shopify about metafields. No database here. To set a value again is harmless, the latest wins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.shopify.client import ShopifyClient
from app.shopify.errors import UserErrors

# Shopify takes 25 a call, all or none.
MOST = 25


@dataclass(frozen=True)
class Value:
    """JSON for an owner's metafield; without a namespace it is the app's own, which other apps cannot write."""

    owner: str
    key: str
    json: str
    namespace: str | None = None


def installation(client: ShopifyClient) -> str:
    """The global id of the app's installation in this shop."""
    return str(client.execute("CurrentAppInstallation")["currentAppInstallation"]["id"])


def write(client: ShopifyClient, values: Sequence[Value]) -> tuple[str | None, list[Value]]:
    """Set at most 25 values; returns the namespace of the last by its full name, and the values Shopify will not have.

    Owners that are gone are left out and the others sent again. Raises ShopifyError.
    """
    left, refused = list(values), []
    while left:
        try:
            answer = client.execute("MetafieldsSet", {"metafields": [_input(value) for value in left]})
        except UserErrors as error:
            bad = _named(error, len(left))
            refused += [left[place] for place in sorted(bad)]
            left = [value for place, value in enumerate(left) if place not in bad]
        else:
            return str(answer["metafieldsSet"]["metafields"][-1]["namespace"]), refused
    return None, refused


def _named(error: UserErrors, count: int) -> set[int]:
    """The places of the values that the errors are about; all of them where none is named."""
    return {place for one in error.errors if (place := _place(one)) in range(count)} or set(range(count))


def _place(one: dict[str, Any]) -> int:
    """By its index, or by the path of the field: ["metafields", "3", "ownerId"]; -1 where neither is there."""
    if isinstance(one.get("elementIndex"), int):
        return int(one["elementIndex"])
    return next((int(step) for step in one.get("field") or () if step.isdigit()), -1)


def _input(value: Value) -> dict[str, Any]:
    named = {"namespace": value.namespace} if value.namespace else {}
    return {"ownerId": value.owner, "key": value.key, "type": "json", "value": value.json, **named}
