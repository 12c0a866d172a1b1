"""Only what a shop's app proxy signed is believed, all of it and nothing beside it."""

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Unauthorised
from app.storefront.signed import verify

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SHOP = "demo.myshopify.com"
USUAL = {
    "shop": SHOP,
    "path_prefix": "/apps/perennial",
    "timestamp": str(int(NOW.timestamp())),
    "logged_in_customer_id": "",
}


def signed(parameters: list[tuple[str, str]], key: str = "hush") -> str:
    """A query string with its signature, made as Shopify's documentation says."""
    values: dict[str, list[str]] = {}
    for name, value in parameters:
        values.setdefault(name, []).append(value)
    message = "".join(sorted(f"{name}={','.join(found)}" for name, found in values.items()))
    signature = hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()
    return urlencode([*parameters, ("signature", signature)])


def usual(**changes: str) -> str:
    return signed(list((USUAL | changes).items()))


def test_a_signed_request_names_its_shop_and_the_customer_who_has_logged_in() -> None:
    found = verify(usual(logged_in_customer_id="9007199254740993"), ["hush"], now=NOW)
    assert (found.shop, found.customer_id) == (SHOP, 9007199254740993)
    assert verify(usual(), ["other", "hush"], now=NOW).customer_id is None


def test_the_example_of_shopifys_documentation_is_verified_up_to_its_repeated_parameter() -> None:
    # Without `extra`, which the example repeats and we refuse, the signature is our own; the rule is the same.
    query = signed([("shop", "shop-name.myshopify.com"), ("timestamp", "1317327555"), ("logged_in_customer_id", "1")])
    assert verify(query, ["hush"], now=datetime.fromtimestamp(1317327555, UTC)).customer_id == 1


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("", "not signed"),
        (usual().replace("signature=", "signature=0"), "not signed"),
        (usual() + "&logged_in_customer_id=7", "repeated"),
        (usual() + "&a=1", "not signed"),
        (usual(a="1"), "not known"),
        (usual(shop="evil.example"), "names no shop"),
        (usual(timestamp="1317327555"), "too old"),
        (usual(timestamp=str(int(NOW.timestamp()) + 91)), "too old"),
        (usual(timestamp="x"), "timestamp is missing"),
        (usual(logged_in_customer_id="7 or 1"), "customer is none"),
        (usual(logged_in_customer_id=str(2**63)), "customer is none"),
        (signed([*USUAL.items(), ("shop", "other.myshopify.com")]), "repeated"),
        ("a" * 5_000, "too long"),
    ],
)
def test_anything_else_is_refused(query: str, why: str) -> None:
    with pytest.raises(Unauthorised, match=why):
        verify(query, ["hush"], now=NOW)


def test_parameters_that_run_together_do_not_become_others() -> None:
    # `a=1b=2` signs like `a=1&b=2`: what was signed as one value cannot be sent as two names that we know.
    inner = signed([*USUAL.items(), ("page", "1pagf=2")])
    apart = inner.replace("page=1pagf%3D2", "page=1&pagf=2")
    with pytest.raises(Unauthorised, match="not known"):
        verify(apart, ["hush"], now=NOW, known=["page"])


@given(st.text(max_size=200))
def test_no_query_string_is_believed_by_chance(query: str) -> None:
    with pytest.raises(Unauthorised):
        verify(query, ["hush"], now=NOW)


def test_an_empty_secret_verifies_nothing() -> None:
    with pytest.raises(Unauthorised):
        verify(signed(list(USUAL.items()), key=""), [""], now=NOW)
