"""A server that is not ours and knows Shopify's published schema, nothing else: it answers any valid operation.

    with ForeignShopify(client_secret="secret") as foreign:
        settings = … PERENNIAL_SHOPIFY_ORIGIN=foreign.origin_template …
        … foreign.requests

Values are made from the types of the schema, the same for the same place of a query: identifiers, decimals, instants,
the first member of an enum. Nothing is remembered between requests; an object asked for by its id has that id. It
shares no code with `dev_store`, so that the app cannot have learnt the habits of our own server.
"""

import gzip
import hmac
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLList,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    build_client_schema,
    execute,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    parse,
    validate,
)

Info = GraphQLResolveInfo[Any]
_ROOT = Path(__file__).resolve().parents[1]
_INSTANT = "2026-11-21T12:00:00Z"
_TEXTS = {
    "emailAddress": "someone@example.com", "email": "someone@example.com", "phoneNumber": "+358401234567",
    "ianaTimezone": "Europe/Helsinki", "locale": "en", "url": "https://example.com/", "name": "A name",
}  # fmt: skip
_SCALARS = {
    "Boolean": False, "Int": 1, "Float": 0.5, "Decimal": "12.5", "Money": "12.5", "DateTime": _INSTANT,
    "Date": "2026-11-21", "URL": "https://example.com/", "UnsignedInt64": "1", "BigInt": "1", "JSON": {},
    "HTML": "<p>text</p>", "FormattedString": "text", "UtcOffset": "+02:00", "Color": "#000000",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One request as it came in; `body` is the parsed JSON, `token` the access token of the header."""

    method: str
    shop: str
    path: str
    body: Any
    token: str | None = None


@dataclass
class ForeignShopify:
    """The server on a free loopback port, for the length of a `with` block."""

    client_secret: str = "secret"
    extra_scopes: Sequence[str] = ("write_app_proxy",)
    requests: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def origin_template(self) -> str:
        """What PERENNIAL_SHOPIFY_ORIGIN is set to."""
        return f"http://127.0.0.1:{self._server.server_port}/{{shop}}"

    def scopes(self) -> list[str]:
        return sorted({*_all_scopes(), *self.extra_scopes})

    def tokens(self) -> dict[str, Any]:
        """The answer of the token endpoint, whatever grant was asked for."""
        return {
            "access_token": "foreign-access-token",
            "scope": ",".join(self.scopes()),
            "expires_in": 3600,
            "refresh_token": "foreign-refresh-token",
            "refresh_token_expires_in": 7776000,
        }

    def approval(self, shop: str, query: str) -> str:
        """Where a browser goes after the merchant approved: back to the app, signed."""
        asked = dict(parse_qsl(query))
        answer = {
            "code": "foreign-code",
            "shop": shop,
            "state": asked.get("state", ""),
            "timestamp": str(int(time.time())),
        }
        message = "&".join(f"{key}={value}" for key, value in sorted(answer.items()))
        answer["hmac"] = hmac.new(self.client_secret.encode(), message.encode(), sha256).hexdigest()
        return f"{asked['redirect_uri']}?{urlencode(answer)}"


@cache
def _published() -> dict[str, Any]:
    named = os.environ.get("PERENNIAL_SHOPIFY_SCHEMA")
    path = Path(named) if named else _ROOT / ".cache" / "shopify" / "admin_2026-10.json.gz"
    with gzip.open(path) as file:
        document: dict[str, Any] = json.load(file)
    return document


@cache
def _schema() -> GraphQLSchema:
    return build_client_schema(_published()["data"], assume_valid=True)


def _all_scopes() -> set[str]:
    return {scope for item in _published()["offline_scopes"]["items"] for scope in item["offlineScopes"]}


def answer(query: str, variables: dict[str, Any], scopes: Sequence[str]) -> dict[str, Any]:
    """Executes any operation the schema allows on made-up values; one it does not allow is refused as a whole."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return {"errors": [error.formatted]}
    errors = validate(_schema(), document)
    if errors:
        return {"errors": [error.formatted for error in errors]}

    def resolve(source: Any, info: Info, **arguments: Any) -> Any:
        return _value(info, source if isinstance(source, dict) else {}, arguments, scopes)

    result = execute(
        _schema(),
        document,
        variable_values=variables,
        field_resolver=resolve,
        type_resolver=lambda value, *_: value["of"],
    )
    assert not hasattr(result, "__await__")
    if result.data is None:
        return {"errors": [error.formatted for error in result.errors or []]}
    cost = {"requestedQueryCost": 10, "actualQueryCost": 10}
    bucket = {"maximumAvailable": 2000.0, "currentlyAvailable": 1990, "restoreRate": 100.0}
    return {**result.formatted, "extensions": {"cost": {**cost, "throttleStatus": bucket}}}


def _value(info: Info, source: dict[str, Any], arguments: dict[str, Any], scopes: Sequence[str]) -> Any:
    kind = get_named_type(info.return_type)
    is_list = isinstance(get_nullable_type(info.return_type), GraphQLList)
    if kind.name.endswith("Error") and is_list:
        return []
    if is_leaf_type(kind):
        leaf = _leaf(info, kind, source)
        return [leaf] if is_list else leaf
    concrete = _concrete(info, kind)
    identifier = arguments.get("id") if info.parent_type.name == "QueryRoot" else None
    item = {"of": concrete, "id": identifier or f"gid://shopify/{concrete}/{_number(info)}"}
    if concrete == "AccessScope":
        return [{**item, "handle": scope} for scope in scopes]
    return [item] if is_list else item


def _leaf(info: Info, kind: Any, source: dict[str, Any]) -> Any:
    name = info.field_name
    if name in source and kind.name in ("ID", "String"):
        return source[name]
    if kind.name == "ID":
        return f"gid://shopify/{info.parent_type.name}/{_number(info)}"
    if name == "legacyResourceId":
        return str(source.get("id", "/1")).rsplit("/", 1)[1]
    if isinstance(kind, GraphQLEnumType):
        return "USD" if kind.name == "CurrencyCode" else next(iter(kind.values))
    return _TEXTS.get(name, "text") if kind.name not in _SCALARS else _SCALARS[kind.name]


def _concrete(info: Info, kind: Any) -> str:
    """An object type; of a union or an interface the first one the query has a fragment for."""
    if isinstance(kind, GraphQLObjectType):
        return kind.name
    possible = [one.name for one in _schema().get_possible_types(kind)]
    selections = info.field_nodes[0].selection_set
    for part in selections.selections if selections else ():
        if isinstance(part, InlineFragmentNode) and part.type_condition and part.type_condition.name.value in possible:
            return part.type_condition.name.value
    return possible[0]


def _number(info: Info) -> int:
    """The same number for the same place of a query, above 2^53 as real ids may be."""
    place = "/".join(str(part) for part in info.path.as_list())
    return 2**53 + int.from_bytes(sha256(place.encode()).digest()[:4])


def _send(to: BaseHTTPRequestHandler, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
    raw = json.dumps(content).encode()
    to.send_response(status)
    for name, value in {"Content-Type": "application/json", "Content-Length": str(len(raw)), **(headers or {})}.items():
        to.send_header(name, value)
    to.end_headers()
    to.wfile.write(raw)


def _handler(foreign: ForeignShopify) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            shop, path, query = self._asked(None)
            if path != "/admin/oauth/authorize":
                return _send(self, 404, {"errors": "Not Found"})
            return _send(self, 302, {}, {"Location": foreign.approval(shop, query)})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            _, path, _ = self._asked(body)
            if path == "/admin/oauth/access_token":
                return _send(self, 200, foreign.tokens())
            if not path.startswith("/admin/api/2026-10/graphql.json"):
                return _send(self, 404, {"errors": "Not Found"})
            return _send(self, 200, answer(body["query"], body.get("variables") or {}, foreign.scopes()))

        def _asked(self, body: Any) -> tuple[str, str, str]:
            parts = urlsplit(self.path)
            shop, _, path = parts.path.lstrip("/").partition("/")
            token = self.headers.get("X-Shopify-Access-Token")
            foreign.requests.append(Asked(self.command, shop, f"/{path}", body, token))
            return shop, f"/{path}", parts.query

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Silent: tests read `requests`."""

    return Handler
