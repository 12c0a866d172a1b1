"""The merchant's side of OAuth: the approval page, the token endpoint, what the app is opened with, uninstalling it.

Routes under `/<shop>/admin/…` stand for `https://<shop>/admin/…`. Registered by `web.create_app`; what a token is lives
in `tokens`. Every redirect goes to an address the app's configuration names, signed as Shopify signs query strings.
"""

import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, abort, jsonify, redirect, render_template_string, request
from flask.typing import ResponseReturnValue

from dev_store import troubles
from dev_store.store import DevStore, current_store
from dev_store.tokens import TokenRefused, Tokens, check_id_token, id_token

blueprint = Blueprint("oauth", __name__)

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name from RFC 8693
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - ditto
OFFLINE_TYPE = "urn:shopify:params:oauth:token-type:offline-access-token"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
 body{font:16px/1.5 system-ui,sans-serif;background:#f1f1f1;color:#303030;margin:0}
 main{max-width:34rem;margin:12vh auto;background:#fff;border-radius:12px;padding:2rem;box-shadow:0 1px 4px #0003}
 h1{font-size:1.25rem;margin-top:0} li{margin:.2rem 0} code{font-size:.9em}
 button{background:#303030;color:#fff;border:0;border-radius:8px;padding:.6rem 1.2rem;font:inherit;cursor:pointer}
 .small{color:#616161;font-size:.875rem}
</style></head><body><main>
<h1>{{ title }}</h1>
{% if problem %}<p>{{ problem }}</p>{% else %}
<p>The app at <code>{{ app_url }}</code> asks <strong>{{ shop_name }}</strong> for:</p>
<ul>{% for scope in scopes %}<li><code>{{ scope }}</code></li>{% endfor %}</ul>
<form method="post"><button type="submit">Install app</button></form>
{% endif %}
<p class="small">Development store on this machine. Not Shopify.</p>
</main></body></html>"""


def signed_query(parameters: dict[str, str], secret: str) -> str:
    """The query string with its `hmac`: sorted `k=v` pairs joined by `&`, SHA-256 under the client secret, in hex."""
    message = "&".join(f"{key}={value}" for key, value in sorted(parameters.items()))
    digest = hmac.new(secret.encode(), message.encode(), sha256).hexdigest()
    return urlencode({**parameters, "hmac": digest})


def host_parameter(shop: str) -> str:
    """`host` as Shopify's admin passes it: where the app is embedded, base64 without padding."""
    return urlsafe_b64encode(f"admin.shopify.com/store/{shop.partition('.')[0]}".encode()).rstrip(b"=").decode()


@blueprint.route("/<shop>/admin/oauth/authorize", methods=["GET", "POST"])
def authorize(shop: str) -> ResponseReturnValue:
    """The page where a merchant approves; POST is the approval and goes back to the app with a code."""
    store, document = current_store(), shop_document(shop)
    scopes = [scope.strip() for scope in request.args.get("scope", "").split(",") if scope.strip()]
    if problem := _problem_with_request(store, scopes):
        return render_template_string(_PAGE, title="This app cannot be installed", problem=problem), 400
    if request.method == "GET":
        return render_template_string(
            _PAGE,
            title="Install app",
            app_url=store.config.app_url,
            shop_name=document["name"],
            scopes=scopes or store.config.app.scopes,
        )
    parameters = {
        "code": Tokens(store.state, shop).grant(scopes or list(store.config.app.scopes)),
        "host": host_parameter(shop),
        "shop": shop,
        "state": request.args.get("state", ""),
        "timestamp": str(int(time.time())),
    }
    return redirect(f"{request.args['redirect_uri']}?{signed_query(parameters, store.config.client_secret)}")


@blueprint.post("/<shop>/admin/oauth/access_token")
def access_token(shop: str) -> ResponseReturnValue:
    """Grants, exchanges and refreshes; bodies may be JSON or a form. Refusals are 400 with OAuth's error words."""
    store = current_store()
    body = _body()
    grant = _GRANTS.get(body.get("grant_type") or "authorization_code")
    if grant is None:
        return _refusal("unsupported_grant_type", "The grant type is not known here")

    def answer() -> ResponseReturnValue:
        if not _is_our_app(store, body):
            return _refusal("invalid_client", "client_id or client_secret is not this app's")
        try:
            return jsonify(grant(store, shop, body))
        except TokenRefused as refused:
            return _refusal(refused.error, refused.description)

    shop_document(shop)
    return troubles.meet(store.faults.take(shop, grant.__name__.strip("_")), answer)


@blueprint.post("/_dev/shops/<shop>/id-token")
def make_id_token(shop: str) -> ResponseReturnValue:
    """For tests and curl: a fresh ID token, and the address the admin would load with it."""
    store = current_store()
    shop_document(shop)
    token = id_token(store.config.client_id, store.config.client_secret, shop)
    return jsonify({"id_token": token, "url": f"{store.config.app_url}/?{app_home_query(store, shop)}"})


@blueprint.post("/_dev/shops/<shop>/uninstall")
def uninstall(shop: str) -> ResponseReturnValue:
    """The merchant removes the app: tokens die at once and `app/uninstalled` is on its way."""
    store = current_store()
    shop_document(shop)
    with store.state.transaction():
        Tokens(store.state, shop).revoke_all()
        store.commerce(shop).announce_uninstall(at=store.clock.now())
    return jsonify({"uninstalled": shop})


def app_home_query(store: DevStore, shop: str, locale: str = "en") -> str:
    """The signed query of a document load in the admin (shopify-platform: ID tokens)."""
    config = store.config
    parameters = {
        "embedded": "1",
        "host": host_parameter(shop),
        "id_token": id_token(config.client_id, config.client_secret, shop),
        "locale": locale,
        "session": secrets.token_hex(32),
        "shop": shop,
        "timestamp": str(int(time.time())),
    }
    return signed_query(parameters, config.client_secret)


def _authorization_code(store: DevStore, shop: str, body: dict[str, str]) -> dict[str, Any]:
    tokens = Tokens(store.state, shop)
    return _installed(store, shop, tokens.issue(tokens.redeem(body.get("code", "")), expiring=_expiring(body)))


def _token_exchange(store: DevStore, shop: str, body: dict[str, str]) -> dict[str, Any]:
    """Managed installation: whoever opens the app has agreed to the scopes its configuration names."""
    config = store.config
    if body.get("subject_token_type") != ID_TOKEN_TYPE or body.get("requested_token_type") != OFFLINE_TYPE:
        raise TokenRefused("invalid_request", "Only an ID token can be exchanged, and only for an offline token")
    check_id_token(body.get("subject_token", ""), config.client_id, config.client_secret, shop)
    scopes = [*config.app.scopes, *(store.state.shop_document(shop) or {}).get("_optional_scopes", [])]
    return _installed(store, shop, Tokens(store.state, shop).issue(scopes, expiring=_expiring(body)))


def _refresh_token(store: DevStore, shop: str, body: dict[str, str]) -> dict[str, Any]:
    return Tokens(store.state, shop).refresh(body.get("refresh_token", ""))


_GRANTS: dict[str, Callable[[DevStore, str, dict[str, str]], dict[str, Any]]] = {
    "authorization_code": _authorization_code,
    TOKEN_EXCHANGE: _token_exchange,
    "refresh_token": _refresh_token,
}


def _installed(store: DevStore, shop: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Webhooks flow from the moment a token was issued: the shop's document says since when."""
    document = shop_document(shop)
    if not document.get("_installed_at"):
        document |= {"_installed_at": store.clock.now().isoformat(), "_uninstalled_at": None}
        store.state.put(shop, "shop", document["id"], document)
    return answer


def shop_document(shop: str) -> dict[str, Any]:
    """The shop's own document; a shop that is not here is a 404, as it is at Shopify."""
    document = current_store().state.shop_document(shop)
    if document is None:
        abort(404, f"there is no shop {shop} in this development store")
    return document


def _problem_with_request(store: DevStore, scopes: list[str]) -> str | None:
    """What is wrong with an authorization request, in words for the developer who reads the page."""
    config = store.config
    if request.args.get("client_id") != config.client_id:
        return "client_id is not the one this development store was started with (SHOPIFY_API_KEY)."
    if not _is_redirect_allowed(store, request.args.get("redirect_uri", "")):
        return "redirect_uri is neither in redirect_urls of shopify.app.toml nor below the app's URL."
    known = {*config.app.scopes, *config.app.optional_scopes}
    if known and (unknown := sorted(set(scopes) - known)):
        return f"scopes that shopify.app.toml does not name: {', '.join(unknown)}."
    return None


def _is_redirect_allowed(store: DevStore, address: str) -> bool:
    """Exactly an address of the configuration, or one below the app's own URL (which a tunnel may have changed)."""
    app, wanted = urlsplit(store.config.app_url), urlsplit(address)
    own_host = (wanted.scheme, wanted.netloc) == (app.scheme, app.netloc) and "\\" not in address
    return address in store.config.app.redirect_urls or own_host


def _is_our_app(store: DevStore, body: dict[str, str]) -> bool:
    pairs = (("client_id", store.config.client_id), ("client_secret", store.config.client_secret))
    return all(hmac.compare_digest(body.get(name, "").encode(), wanted.encode()) for name, wanted in pairs)


def _body() -> dict[str, str]:
    content = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    return {str(name): str(value) for name, value in content.items()} if isinstance(content, dict) else {}


def _expiring(body: dict[str, str]) -> bool:
    return body.get("expiring", "").lower() in ("1", "true")


def _refusal(error: str, description: str) -> ResponseReturnValue:
    return jsonify({"error": error, "error_description": description}), 400
