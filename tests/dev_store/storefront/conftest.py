"""A shop with goods, visited through its pages; the extension is a small one made for the test."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dev_store.commerce import open_shop
from dev_store.store import DevStore
from dev_store.web import create_app
from tests.dev_store.scene import NOON, SHOP, MakeConfig

FILES = {
    "shopify.extension.toml": 'api_version = "2026-10"\n',
    "blocks/popup.liquid": (
        '<aside data-name="{{ customer.name | default: "nobody" | escape }}">'
        '{{ "hello.to" | t: name: shop.name }}</aside>'
        '<script src="{{ "popup.js" | asset_url }}" defer></script>'
        '<script type="application/json">{{ app.metafields.perennial.popups.value | json }}</script>'
        '{% schema %}{"name": "Popup", "target": "body", "settings": []}{% endschema %}'
    ),
    "blocks/points.liquid": (
        '{% render "points", shown: block.settings.title %}'
        '{% schema %}{"name": "Points", "target": "section", "settings": '
        '[{"type": "text", "id": "title", "label": "Title", "default": "Your <points>"}]}{% endschema %}'
    ),
    "snippets/points.liquid": "<h2>{{ shown | escape }}</h2>",
    "assets/popup.js": "// nothing yet",
    "locales/en.default.json": '{"hello": {"to": "Hello from {{ name }}"}}',
    "locales/de.json": '{"hello": {"to": "Hallo von {{ name }}"}}',
}


@pytest.fixture
def extension(tmp_path: Path) -> Path:
    folder = tmp_path / "extension"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


@pytest.fixture
def flask_app(make_config: MakeConfig, extension: Path) -> Iterator[Flask]:
    config = make_config()
    app = replace(config.app, extension=extension, proxy_url=f"{config.app_url}/proxy", proxy_subpath="perennial")
    flask_app = create_app(replace(config, app=app))
    yield flask_app
    flask_app.extensions["dev_store"].state.close()


@pytest.fixture
def store(flask_app: Flask) -> DevStore:
    store: DevStore = flask_app.extensions["dev_store"]
    open_shop(store.state, SHOP, name="Tea & Co", at=NOON, currency="GBP", country="GB")
    store.clock.shift(NOON - store.clock.now() + store.clock.offset)
    return store


@pytest.fixture
def browser(flask_app: Flask, store: DevStore) -> FlaskClient:
    """A visitor with cookies."""
    client = flask_app.test_client()
    client.environ_base["HTTP_HOST"] = "127.0.0.1:9292"
    return client


@pytest.fixture
def teapot(store: DevStore) -> dict[str, Any]:
    """A product of one variant at 24.00."""
    key = store.commerce(SHOP).create_product(at=NOON, title="Tea pot", variants=[{"price": "24.00"}])
    document = store.state.get(SHOP, "product", key)
    assert document is not None
    return document
