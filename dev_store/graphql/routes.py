"""POST /<shop>/admin/api/<version>/graphql.json: the door to the Admin API. Token, version and faults are met here."""

from typing import Any

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from dev_store import troubles
from dev_store.faults import Kind
from dev_store.graphql import executor, incomplete
from dev_store.graphql.context import Context
from dev_store.graphql.schema import API_VERSION
from dev_store.rate import Buckets
from dev_store.store import current_store
from dev_store.tokens import Tokens

blueprint = Blueprint("graphql", __name__)

_UNKNOWN_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105 - a message


@blueprint.post("/<shop>/admin/api/<version>/graphql.json")
def graphql(shop: str, version: str) -> ResponseReturnValue:
    """404 for a version that is not served, 401 for a token that is not alive, else HTTP 200 with data or errors."""
    store = current_store()
    if version != API_VERSION:
        return jsonify({"errors": "Not Found"}), 404
    token = Tokens(store.state, shop).holder(request.headers.get("X-Shopify-Access-Token", ""))
    if token is None:
        return jsonify({"errors": _UNKNOWN_TOKEN}), 401
    asked = _asked(request.get_json(silent=True))
    if asked is None:
        return jsonify({"errors": {"query": "Required parameter missing or invalid"}}), 400
    context = Context(store, shop, frozenset(token["scopes"]), store.clock.now())
    fault = store.faults.take(shop, executor.operation_name(asked))
    throttle = fault is not None and fault.kind is Kind.THROTTLED

    def answer() -> ResponseReturnValue:
        body = executor.execute(context, asked, _buckets(), throttle=throttle)
        if fault is not None:
            body = incomplete.answer(body, fault.kind)
        return jsonify(body), 200, {"X-Shopify-API-Version": API_VERSION}

    return troubles.meet(fault, answer)


def _asked(body: Any) -> executor.Request | None:
    """The request's parts, or None when it is not a GraphQL request at all."""
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return None
    variables, name = body.get("variables") or {}, body.get("operationName")
    if not isinstance(variables, dict) or not isinstance(name, str | None):
        return None
    return executor.Request(body["query"], variables, name or None)


def _buckets() -> Buckets:
    """One set of buckets for the running application."""
    buckets: Buckets = current_app.extensions.setdefault("dev_store_buckets", Buckets())
    return buckets
