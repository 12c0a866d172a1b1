"""shopify.app.toml against the code and against the schema: `shopify app build` checks neither."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from app.config import DEFAULT_SCOPES
from app.shopify.version import API_VERSION
from app.shops.scopes import FEATURES
from tests.shopify.test_operations import published
from webhooks import topics

ROOT = Path(__file__).resolve().parents[2]
COMPLIANCE = {"customers/data_request", "customers/redact", "shop/redact"}
ENDPOINT = "/webhooks"
# They open no field of the API: the proxy, and orders older than 60 days.
SCOPES_OF_NO_FIELD = {"write_app_proxy", "read_all_orders"}


@pytest.fixture(scope="module")
def toml() -> dict[str, Any]:
    return tomllib.loads((ROOT / "shopify.app.toml").read_text())


def subscribed(toml: dict[str, Any], kind: str = "topics") -> list[str]:
    return [topic for entry in toml["webhooks"]["subscriptions"] for topic in entry.get(kind, [])]


def topic_texts() -> dict[str, str]:
    """Topic as the TOML names it -> what the schema says about it."""
    types = {kind["name"]: kind for kind in published()["data"]["__schema"]["types"]}
    texts = [" ".join(value["description"].split()) for value in types["WebhookSubscriptionTopic"]["enumValues"]]
    found = {text: re.search(r"webhook topic for `([^`]+)` events", text) for text in texts}
    return {match[1]: text for text, match in found.items() if match}


def test_shopify_knows_every_topic(toml: dict[str, Any]) -> None:
    topics = subscribed(toml)
    assert set(topics) <= set(topic_texts())
    assert len(topics) == len(set(topics))
    assert not {"customer.joined_segment", "customer.left_segment"} & set(topics), "for GraphQL subscriptions only"


def test_the_scopes_open_every_topic(toml: dict[str, Any]) -> None:
    scopes = set(toml["access_scopes"]["scopes"].split(","))
    needed = {topic: set(re.findall(r"\bread_\w+", topic_texts()[topic])) for topic in subscribed(toml)}
    assert {topic: names for topic, names in needed.items() if names and not names & scopes} == {}


def test_all_compliance_topics_are_subscribed(toml: dict[str, Any]) -> None:
    assert set(subscribed(toml, "compliance_topics")) == COMPLIANCE


def test_every_topic_goes_to_the_one_endpoint(toml: dict[str, Any]) -> None:
    assert {entry["uri"] for entry in toml["webhooks"]["subscriptions"]} == {ENDPOINT}


def test_the_topic_table_and_the_toml_are_equal(toml: dict[str, Any]) -> None:
    assert set(subscribed(toml)) | set(subscribed(toml, "compliance_topics")) == set(topics.table())


def test_the_version_is_the_one_we_speak(toml: dict[str, Any]) -> None:
    assert toml["webhooks"]["api_version"] == API_VERSION


def test_the_scopes_exist_and_hold_what_the_app_asks_for(toml: dict[str, Any]) -> None:
    scopes = toml["access_scopes"]["scopes"].split(",")
    known = {scope for item in published()["offline_scopes"]["items"] for scope in item["offlineScopes"]}
    assert set(scopes) - known - SCOPES_OF_NO_FIELD == set()
    assert set(DEFAULT_SCOPES) <= set(scopes)
    assert len(scopes) == len(set(scopes))


def test_optional_scopes_are_those_that_features_ask_for(toml: dict[str, Any]) -> None:
    optional = toml["access_scopes"]["optional_scopes"]
    assert set(optional) == {scope for feature in FEATURES.values() for scope in feature.scopes}
    known = {scope for item in published()["offline_scopes"]["items"] for scope in item["offlineScopes"]}
    assert set(optional) - known - SCOPES_OF_NO_FIELD == set()
    assert set(optional) & set(toml["access_scopes"]["scopes"].split(",")) == set(), "asked for twice"


def test_addresses_agree_with_each_other(toml: dict[str, Any]) -> None:
    address = toml["application_url"]
    assert toml["auth"]["redirect_urls"] == [f"{address}/auth/callback"]
    assert toml["app_proxy"]["url"] == f"{address}/proxy"
    assert toml["app_proxy"]["prefix"] in {"apps", "a", "community", "tools"}
    assert re.fullmatch(r"[a-z0-9-]+", toml["app_proxy"]["subpath"])


def test_the_client_id_has_shopifys_form(toml: dict[str, Any]) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", toml["client_id"])


def test_the_extension_folder_is_the_extension_itself(toml: dict[str, Any]) -> None:
    assert toml["extension_directories"] == ["storefront_snippets"]


def test_the_cli_knows_how_to_start_the_app() -> None:
    web = tomllib.loads((ROOT / "shopify.web.toml").read_text())
    assert (web["auth_callback_path"], web["webhooks_path"]) == ("/auth/callback", ENDPOINT)
    assert web["commands"]["dev"].endswith("perennial serve")
