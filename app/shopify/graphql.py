"""One GraphQL request under a given access token, without patience: what an installation needs before there is a shop.

Everything else goes through `client`, which builds on `request`.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from app.config import Settings
from app.shopify import operations, transport
from app.shopify.answers import read
from app.shopify.buckets import cost_of
from app.shopify.errors import OutcomeUnknown, Unavailable
from app.shopify.operations import Operation
from app.shopify.version import API_VERSION

log = structlog.get_logger()

PATH = f"/admin/api/{API_VERSION}/graphql.json"


def query(settings: Settings, shop: str, access_token: str, operation: str) -> dict[str, Any]:
    """The data of a read without variables, tried once. Raises a ShopifyError."""
    document = operations.load(operation)
    try:
        answer = request(settings, shop, access_token, document, {})
        return read(answer, cost_of(answer), changes=document.changes).data
    except OutcomeUnknown as error:
        raise Unavailable(str(error)) from error


def request(
    settings: Settings, shop: str, access_token: str, operation: Operation, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """The JSON document of an answer with HTTP status 200, or {} where it is none. Raises a ShopifyError."""
    body = {"query": operation.text, "variables": dict(variables), "operationName": operation.name}
    reply = transport.post(settings, shop, PATH, body, {"X-Shopify-Access-Token": access_token})
    transport.refuse_failures(reply)
    answered_in = reply.headers.get("X-Shopify-API-Version", API_VERSION)
    if answered_in != API_VERSION:  # Shopify falls forward when a version is no longer served
        log.warning("Shopify answered in another API version", version=answered_in[:20])
    return reply.document if isinstance(reply.document, dict) else {}
