"""A client of the API that holds every answer against the published document, and rows to ask about."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api import inbox, keys, routes
from app.customers.accounts import accounts_of_customers
from app.customers.models import Customer
from app.loyalty import service
from app.loyalty.ledger import Holder
from app.loyalty.programs import default_program
from app.runtime import EXTENSION, Runtime
from app.shops.models import Shop
from tests.api.conformity import require_documented
from tests.factories import make_shop
from webhooks import log

CUSTOMER = 7_777_777_777_777_777_777  # beyond what a double holds


class Api:
    """One key's view of the API."""

    def __init__(self, client: FlaskClient, key: str) -> None:
        self.client, self.key = client, key

    def request(
        self, method: str, path: str, *, key: str | None = None, headers: Mapping[str, str] | None = None, **more: Any
    ) -> TestResponse:
        """Ask below /api/v1; `key` is the Idempotency-Key. The answer has to be one that the document describes."""
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        if key is not None:
            sent["Idempotency-Key"] = key
        answer = self.client.open(f"/api/v1{path}", method=method, headers=sent, **more)
        require_documented(method, path, answer)
        return answer

    def get(self, path: str, **more: Any) -> TestResponse:
        """GET."""
        return self.request("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        """POST, with a JSON body unless `data` is given."""
        return self.request("POST", path, **({"json": json} if json is not None else {}), **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        """DELETE."""
        return self.request("DELETE", path, **more)

    def walk(self, path: str, *, limit: int, between: Callable[[], object] = lambda: None) -> list[dict[str, Any]]:
        """Every row of a list, page by page."""
        rows: list[dict[str, Any]] = []
        query = f"?limit={limit}"
        for _ in itertools.count():
            answer = self.get(f"{path}{query}").get_json()
            rows += answer["data"]
            if answer["next"] is None:
                return rows
            between()
            query = f"?limit={limit}&cursor={answer['next']}"
        raise AssertionError("unreachable")


@pytest.fixture
def flask_app(runtime: Runtime) -> Flask:
    """The API alone, wired as the factory does it."""
    flask_app = Flask("api")
    flask_app.extensions[EXTENSION] = runtime
    flask_app.extensions[inbox.EXTENSION] = log
    flask_app.register_blueprint(routes.blueprint)
    return flask_app


@pytest.fixture
def new_key(runtime: Runtime) -> Callable[[Shop], str]:
    """Makes a key of a shop."""

    def make(shop: Shop) -> str:
        with runtime.database.system() as session:
            return keys.create_key(session, shop.id, "test")

    return make


@pytest.fixture
def api(flask_app: Flask, shop: Shop, new_key: Callable[[Shop], str]) -> Api:
    """The shop's own client."""
    return Api(flask_app.test_client(), new_key(shop))


@pytest.fixture
def stranger(runtime: Runtime, shop: Shop, flask_app: Flask, new_key: Callable[[Shop], str]) -> Api:
    """A client of another shop, installed after the first."""
    return Api(flask_app.test_client(), new_key(make_shop(runtime, "other.myshopify.com")))


@pytest.fixture
def holder(runtime: Runtime, shop: Shop) -> Holder:
    """The account of CUSTOMER, without points yet."""
    with runtime.database.system() as session:
        account = accounts_of_customers(session, {(shop.id, CUSTOMER)})[shop.id, CUSTOMER]
        session.add(Customer(shop_id=shop.id, id=CUSTOMER, email="ada@example.com"))
        return Holder(shop.id, default_program(session, shop.id).id, account)


@pytest.fixture
def give(runtime: Runtime, holder: Holder) -> Callable[[int], None]:
    """Gives CUSTOMER points by hand."""
    numbers = itertools.count(1)

    def give_points(points: int) -> None:
        with runtime.database.shop(holder.shop_id) as session:
            service.adjust(session, holder, points, request_id=f"given-{next(numbers)}", note="given", actor="staff:1")

    return give_points
