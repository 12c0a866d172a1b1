"""The app proxy: `/apps/<subpath>/…` of a shop is asked of the app, signed as Shopify signs it.

The parameters that Shopify adds replace those of the same names that the browser sent; the signature is a hex
HMAC-SHA256 over all parameters, sorted, without separators, repeated ones joined by commas. Cookies go neither way.
"""

import hashlib
import hmac
import time
from urllib.parse import urlencode

import requests
from flask import Blueprint, Response, abort, request

from dev_store.store import current_store
from dev_store.storefront.shopping import shopping

blueprint = Blueprint("storefront_proxy", __name__, url_prefix="/<myshopify:shop>")
_TIMEOUT = 10
_OURS = ("shop", "path_prefix", "timestamp", "logged_in_customer_id", "signature")
_PASSED_BACK = ("content-type", "cache-control", "retry-after")


@blueprint.route("/<any('apps','a','community','tools'):prefix>/<subpath>/<path:rest>", methods=["GET", "POST"])
@blueprint.route(
    "/<language>/<any('apps','a','community','tools'):prefix>/<subpath>/<path:rest>", methods=["GET", "POST"]
)
def forward(shop: str, prefix: str, subpath: str, rest: str, language: str = "") -> Response:
    """Ask the app and pass its answer on; an app that does not answer is a 502 of the shop."""
    here, config = shopping(shop, language), current_store().config
    if (prefix, subpath) != (config.app.proxy_prefix, config.app.proxy_subpath):
        abort(404)
    customer = here.visitor.customer
    parameters = [(key, value) for key, value in request.args.items(multi=True) if key not in _OURS]
    parameters += [
        ("shop", shop),
        ("path_prefix", f"/{prefix}/{subpath}"),
        ("timestamp", str(int(time.time()))),
        ("logged_in_customer_id", str(customer["id"]) if customer else ""),
    ]
    signature = sign(parameters, config.client_secret)
    try:
        answer = requests.request(
            request.method,
            f"{config.app.proxy_url}/{rest}?{urlencode([*parameters, ('signature', signature)])}",
            data=request.get_data(),
            headers={"Content-Type": request.content_type or "", "X-Forwarded-For": _visitor()},
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException:
        return Response("The app did not answer.", 502, content_type="text/plain")
    headers = {name: value for name, value in answer.headers.items() if name.lower() in _PASSED_BACK}
    return Response(answer.content, answer.status_code, headers=headers)


def _visitor() -> str:
    """Where a visitor comes from. All come from this machine; a program that plays several says where each does."""
    return request.headers.get("X-Forwarded-For") or request.remote_addr or ""


def sign(parameters: list[tuple[str, str]], secret: str) -> str:
    """Shopify's signature of a proxied request."""
    values: dict[str, list[str]] = {}
    for key, value in parameters:
        values.setdefault(key, []).append(value)
    message = "".join(sorted(f"{key}={','.join(found)}" for key, found in values.items()))
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
