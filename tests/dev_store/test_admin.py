"""The shop's admin: a frame around the app for browsers, ID tokens for the app alone, lists and the embed's switch."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from dev_store.commerce import open_shop
from dev_store.config import Config, read_app_config
from dev_store.web import create_app
from tests.dev_store.scene import NOON, SHOP
from tools.terminal import ROOT

APP = "http://127.0.0.1:3000"

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def admin() -> Iterator[FlaskClient]:
    """A shop of a store that serves our own app and its extension."""
    app = create_app(Config(APP, "key", "secret", read_app_config(ROOT / "shopify.app.toml", APP)))
    store = app.extensions["dev_store"]
    open_shop(store.state, SHOP, name="Tea", at=NOON)
    yield app.test_client()
    store.state.close()


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return content


def test_browsers_get_the_app_in_a_frame_at_the_page_that_was_asked_for(admin: FlaskClient) -> None:
    page = admin.get(f"/{SHOP}/admin/apps/key/members?q=ann&locale=de", headers=HTML)
    assert page.status_code == 200
    assert f'src="{APP}/members?' in page.text
    assert "locale=de" in page.text
    assert "q=ann" in page.text


def test_programs_are_led_to_what_the_frame_would_load(admin: FlaskClient) -> None:
    answer = admin.get(f"/{SHOP}/admin/apps/key/members")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{APP}/members?")


@pytest.mark.parametrize(("query", "is_over"), [("", False), ("?stale=1", True)])
def test_tokens_are_readable_by_the_app_and_no_other_site(admin: FlaskClient, query: str, is_over: bool) -> None:
    answer = admin.get(f"/_dev/shops/{SHOP}/id-token{query}")
    told = claims(answer.get_json()["id_token"])
    assert told["exp"] - told["iat"] == 60
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    fresh = claims(admin.get(f"/_dev/shops/{SHOP}/id-token").get_json()["id_token"])
    assert (told["exp"] < fresh["iat"]) is is_over


def test_the_theme_editor_switches_what_the_extensions_say(admin: FlaskClient) -> None:
    editor = f"/{SHOP}/admin/themes/current/editor?activateAppId=key/popups"
    assert admin.get(editor).status_code == 200
    assert admin.post(editor, data={"on": ["points"]}).status_code == 302
    told = admin.get(f"/_dev/shops/{SHOP}/extensions").get_json()
    states = {block["handle"]: block["status"] for extension in told for block in extension["activations"]}
    assert states == {"points": "active"} | dict.fromkeys(("form", "popups", "referral"), "available")


@pytest.mark.parametrize("page", ["", "/orders", "/customers"])
def test_lists_are_shown(admin: FlaskClient, page: str) -> None:
    assert admin.get(f"/{SHOP}/admin{page}").status_code == 200
