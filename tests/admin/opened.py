"""A shop that is open in the admin, and a member of its staff who looks at pages and sends forms."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import clock
from app.runtime import Runtime
from app.shopify.oauth import Tokens
from app.shops import queries
from app.shops.install import ShopInfo, install
from app.shops.models import Shop
from tests.shopify.signing import SHOP, id_token
from tests.shops.shopify_answers import SCOPES

INFO = ShopInfo(1, "Demo & Sons <b>", None, "EUR", "Europe/Berlin", "DE", None)


@dataclass(frozen=True)
class Staff:
    """Somebody with an ID token of a shop. `app` is a test client of the whole application."""

    app: FlaskClient
    shop: str = SHOP
    user: str = "81"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {id_token(self.shop, sub=self.user)}"}

    def look(self, path: str, **headers: str) -> TestResponse:
        """A page, as htmx fetches it."""
        return self.app.get(path, headers={**self.headers, **headers})

    def send(self, path: str, form: Mapping[str, Any] | None = None, *, key: str | None = None) -> TestResponse:
        """A form; each one has a key of its own unless one is given."""
        sent = {"key": key or secrets.token_hex(8), **(form or {})}
        return self.app.post(path, data=sent, headers={**self.headers, "HX-Request": "true"})


def words(answer: TestResponse) -> str:
    """What a reader sees of a page: its text without tags, each run of spaces as one."""
    main = re.sub(r"<(script|style|head)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def installed(runtime: Runtime, domain: str = SHOP, info: ShopInfo = INFO) -> Shop:
    """A shop installed with every scope."""
    shop_id = install(runtime, domain, Tokens("shpat_1", SCOPES, clock.wall_now() + timedelta(hours=1)), info)
    with runtime.database.shop(shop_id) as session:
        return queries.shop(session, shop_id)


@pytest.fixture
def connected(runtime: Runtime) -> Shop:
    """The shop of these tests."""
    return installed(runtime)


@pytest.fixture
def clerk(client: FlaskClient, connected: Shop) -> Staff:
    """A member of its staff."""
    return Staff(client)
