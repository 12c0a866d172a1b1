"""Faults of the Admin API and of the token endpoint, on the wire."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from dev_store.server import serving
from tests.dev_store.graphql.admin import SECRET, SHOP, Admin, install

CREATE = """mutation Make($code: String!) { discountCodeBasicCreate(basicCodeDiscount: {title: "t", code: $code,
  startsAt: "2026-01-01T00:00:00Z", context: {all: ALL}, customerGets: {value: {percentage: 0.1}, items: {all: true}}})
  { userErrors { code } } }"""


@pytest.fixture
def admin() -> Admin:
    return install()


@pytest.fixture
def origin(admin: Admin) -> Iterator[str]:
    config = admin.store.config
    object.__setattr__(config, "port", 0)  # a free port, so that tests run side by side
    with serving(admin.app) as address:
        yield address


def switch(origin: str, *faults: dict[str, Any]) -> Any:
    return requests.put(f"{origin}/_dev/faults", json={"faults": list(faults)}, timeout=5)


def make(origin: str, admin: Admin, code: str = "TEA", document: str = CREATE) -> requests.Response:
    return requests.post(
        f"{origin}/{SHOP}/admin/api/2026-10/graphql.json",
        json={"query": document, "variables": {"code": code} if "$code" in document else {}},
        headers={"X-Shopify-Access-Token": admin.token},
        timeout=5,
    )


def exists(admin: Admin, code: str = "TEA") -> bool:
    return bool(admin.store.state.find(SHOP, "discount", "code", code.lower()))


def test_a_lost_answer_leaves_the_work_done_and_a_lost_request_does_not(origin: str, admin: Admin) -> None:
    switch(origin, {"operation": "Make", "kind": "timeout_before"}, {"operation": "Make", "kind": "timeout_after"})
    with pytest.raises(requests.ConnectionError):
        make(origin, admin)
    assert not exists(admin)
    with pytest.raises(requests.ConnectionError):
        make(origin, admin)
    assert exists(admin)
    answer = make(origin, admin).json()
    assert answer["data"]["discountCodeBasicCreate"]["userErrors"] == [{"code": "TAKEN"}]


def test_a_fault_happens_as_often_as_it_was_asked_for(origin: str, admin: Admin) -> None:
    switch(origin, {"kind": "500", "times": 2})
    assert [make(origin, admin).status_code for _ in range(3)] == [500, 500, 200]
    assert requests.get(f"{origin}/_dev/faults", timeout=5).json() == {"faults": []}


def test_throttling_comes_with_200_and_too_many_requests_with_429(origin: str, admin: Admin) -> None:
    switch(origin, {"operation": "*", "kind": "THROTTLED"}, {"operation": "Make", "kind": "429"})
    throttled = make(origin, admin)
    assert (throttled.status_code, throttled.json()["errors"][0]["extensions"]["code"]) == (200, "THROTTLED")
    refused = make(origin, admin)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2.0")
    assert not exists(admin)


@pytest.mark.parametrize(("kind", "status"), [("frozen", 402), ("locked", 423), ("closed", 404), ("revoked", 401)])
def test_a_shop_that_cannot_be_used_refuses_everything(origin: str, admin: Admin, kind: str, status: int) -> None:
    switch(origin, {"kind": kind, "times": 2})
    assert [make(origin, admin).status_code for _ in range(3)] == [status, status, 200]
    body = {"client_id": "key", "client_secret": SECRET, "grant_type": "refresh_token", "refresh_token": "any"}
    switch(origin, {"kind": kind})
    answer = requests.post(f"{origin}/{SHOP}/admin/oauth/access_token", json=body, timeout=5)
    assert answer.status_code == (400 if kind == "revoked" else status)


def test_a_partial_answer_has_done_its_work(origin: str, admin: Admin) -> None:
    switch(origin, {"operation": "Make", "kind": "partial"})
    document = CREATE.replace("{ userErrors { code } }", "{ codeDiscountNode { id } userErrors { code } }")
    answer = make(origin, admin, document=document).json()
    assert answer["data"] == {"discountCodeBasicCreate": {"codeDiscountNode": None, "userErrors": []}}
    assert answer["errors"][0]["path"] == ["discountCodeBasicCreate", "codeDiscountNode"]
    assert exists(admin)


def test_withheld_fields_are_null_and_named(origin: str, admin: Admin) -> None:
    switch(origin, {"kind": "withheld"})
    answer = make(origin, admin, document="query { shop { name email } }").json()
    assert answer["data"]["shop"]["email"] is None
    assert answer["data"]["shop"]["name"]
    assert [(e["path"], e["extensions"]) for e in answer["errors"]] == [(["shop", "email"], {"code": "ACCESS_DENIED"})]


def test_a_delay_only_takes_time(origin: str, admin: Admin) -> None:
    switch(origin, {"kind": "delay", "seconds": 0.2})
    begun = time.monotonic()
    assert make(origin, admin).status_code == 200
    assert time.monotonic() - begun >= 0.2


def test_a_fault_of_another_operation_or_shop_waits(origin: str, admin: Admin) -> None:
    switch(origin, {"operation": "Other", "kind": "500"}, {"kind": "500", "shop": "other.myshopify.com"})
    assert make(origin, admin).status_code == 200
    assert len(requests.get(f"{origin}/_dev/faults", timeout=5).json()["faults"]) == 2


def test_the_token_endpoint_has_faults_of_its_own(origin: str) -> None:
    switch(origin, {"operation": "refresh_token", "kind": "invalid_grant"})
    body = {"client_id": "key", "client_secret": SECRET, "grant_type": "refresh_token", "refresh_token": "any"}
    answer = requests.post(f"{origin}/{SHOP}/admin/oauth/access_token", json=body, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert answer.json()["error_description"] == "The token was revoked"


@pytest.mark.parametrize("fault", [{"kind": "earthquake"}, {}, {"kind": "500", "when": "now"}, "500"])
def test_a_fault_that_is_none_is_refused(origin: str, fault: Any) -> None:
    assert switch(origin, fault).status_code == 400
