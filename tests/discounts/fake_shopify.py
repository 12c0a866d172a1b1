"""Shopify's discount mutations at the wire, with a script of faults: what the tests of this folder talk to.

Only HTTP is replaced (`responses`). Codes are unique whatever their case, as at Shopify, and `created` counts every
creation that took effect, which is how a test sees a second discount.
"""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
import responses
from graphql import OperationDefinitionNode, get_variable_values, parse

from dev_store.graphql.schema import admin_schema

URL = re.compile(r"https://[a-z0-9-]+\.myshopify\.com/admin/api/[0-9-]+/graphql\.json")
Answer = tuple[int, dict[str, str], str]


@dataclass
class Discount:
    """A discount as Shopify holds it."""

    id: str
    input: dict[str, Any]
    active: bool = True
    uses: int = 0


@dataclass
class FakeShopify:
    """Answers the three discount operations; `faults` are used up one a call, first to last ("ok" is none)."""

    faults: list[str] = field(default_factory=list)
    discounts: dict[str, Discount] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def install(self, mock: responses.RequestsMock) -> None:
        """Answer every Admin API call of the mock."""
        mock.add_callback(responses.POST, URL, callback=self._answer, content_type="application/json")

    def _answer(self, request: requests.PreparedRequest) -> Answer:
        assert request.body is not None
        document = json.loads(request.body)
        name, variables = document["operationName"], document["variables"]
        _require_valid(document["query"], variables)
        self.calls.append(name)
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault in _WITHOUT_EFFECT:
            return _WITHOUT_EFFECT[fault](name)
        with self._one_at_a_time:
            data = getattr(self, f"_{name}")(variables)
        if fault == "lost_after":
            raise requests.exceptions.ReadTimeout("took effect, but the answer was lost")
        if fault == "500_after":
            return 500, {}, "oops"
        return _ok(data)

    def _DiscountCodeBasicCreate(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - the operation's name
        wanted = variables["basicCodeDiscount"]
        key = wanted["code"].upper()
        if key in self.discounts:
            error = {"field": ["basicCodeDiscount", "code"], "code": "TAKEN", "message": "Code must be unique."}
            return {"discountCodeBasicCreate": {"codeDiscountNode": None, "userErrors": [error]}}
        self.created.append(key)
        self.discounts[key] = Discount(f"gid://shopify/DiscountCodeNode/{len(self.created)}", wanted)
        return {
            "discountCodeBasicCreate": {"codeDiscountNode": {"id": self.discounts[key].id}, "userErrors": []},
        }

    def _CodeDiscountNodeByCode(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - the operation's name
        found = self.discounts.get(variables["code"].upper())
        if found is None:
            return {"codeDiscountNodeByCode": None}
        discount = {"__typename": "DiscountCodeBasic", "title": found.input["title"], "tags": found.input["tags"]}
        return {"codeDiscountNodeByCode": {"id": found.id, "codeDiscount": discount}}

    def _DiscountCodeDeactivate(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - the operation's name
        for found in self.discounts.values():
            if found.id == variables["id"]:
                found.active = False
                discount = {"__typename": "DiscountCodeBasic", "status": "EXPIRED", "asyncUsageCount": found.uses}
                node = {"id": found.id, "codeDiscount": discount}
                return {"discountCodeDeactivate": {"codeDiscountNode": node, "userErrors": []}}
        error = {"field": ["id"], "code": "INVALID", "message": "Discount does not exist."}
        return {"discountCodeDeactivate": {"codeDiscountNode": None, "userErrors": [error]}}

    def take(self, code: str, title: str = "Spring sale") -> None:
        """Somebody else's discount under this code."""
        self.discounts[code.upper()] = Discount("gid://shopify/DiscountCodeNode/999", {"title": title, "tags": []})


def _require_valid(query: str, variables: dict[str, Any]) -> None:
    """The variables are what Shopify's published schema wants for this document."""
    [operation] = [node for node in parse(query).definitions if isinstance(node, OperationDefinitionNode)]
    values = get_variable_values(admin_schema(), operation.variable_definitions or (), variables)
    assert not isinstance(values, list), [error.message for error in values]


def _ok(data: dict[str, Any]) -> Answer:
    return 200, {}, json.dumps({"data": data})


def _lost_before(name: str) -> Answer:
    raise requests.exceptions.ReadTimeout("nobody answered")


def _refused(name: str) -> Answer:
    if not name.startswith("Discount"):
        return 500, {}, "oops"
    payload = name[0].lower() + name[1:]
    error = {"field": ["basicCodeDiscount"], "code": "INVALID", "message": "no"}
    return _ok({payload: {"codeDiscountNode": None, "userErrors": [error]}})


_WITHOUT_EFFECT: dict[str, Callable[[str], Answer]] = {
    "lost_before": _lost_before,
    "500_before": lambda name: (500, {}, "oops"),
    "throttled": lambda name: (
        200,
        {},
        json.dumps({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}),
    ),
    "refused": _refused,
    "frozen": lambda name: (402, {}, ""),
}
