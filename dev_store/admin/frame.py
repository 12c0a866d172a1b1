"""The app inside the admin: the page with the frame, App Bridge's script, and ID tokens on request.

Browsers get the frame. A program that asks for the same address (tests, curl) is led to what the frame would load:
that is how the app is opened without a browser. `static/app-bridge.js` is the app's side, `static/frame.js` ours.
"""

from pathlib import Path
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, send_file
from flask.typing import ResponseReturnValue

from dev_store.oauth import app_home_query, shop_document
from dev_store.store import DevStore, current_store
from dev_store.storefront.blocks import theme_of
from dev_store.storefront.extension import Extension
from dev_store.tokens import ID_TOKEN_SECONDS, id_token

STATIC = Path(__file__).parent / "static"
LANGUAGES = ("en", "de", "ja", "tr")

blueprint = Blueprint(
    "admin_frame", __name__, template_folder="templates", static_folder="static", static_url_path="/_dev/admin"
)


@blueprint.get("/<myshopify:shop>/admin/apps/<client_id>", defaults={"path": ""})
@blueprint.get("/<myshopify:shop>/admin/apps/<client_id>/<path:path>")
def open_app(shop: str, client_id: str, path: str) -> ResponseReturnValue:
    """A merchant opens the app, at its home or further in. `?locale=de` is the language of the admin."""
    store, document = current_store(), shop_document(shop)
    if client_id != store.config.client_id:
        abort(404)
    locale = request.args.get("locale", "en")
    loaded = f"{store.config.app_url}/{quote(path)}?{_query(store, shop, locale)}"
    if "text/html" not in request.headers.get("Accept", ""):
        return redirect(loaded)
    return render_template(
        "dev_admin/frame.html",
        shop=document,
        loaded=loaded,
        base=f"/{shop}/admin/apps/{client_id}",
        app_url=store.config.app_url,
        locale=locale if locale in LANGUAGES else "en",
        here="app",
    )


@blueprint.get("/_dev/app-bridge.js")
def app_bridge() -> Response:
    """App Bridge, as far as Perennial uses it."""
    answer = send_file(STATIC / "app-bridge.js", max_age=0)
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


@blueprint.get("/_dev/shops/<shop>/id-token")
def token_for_bridge(shop: str) -> ResponseReturnValue:
    """For the frame, and for pages of the app that stand alone; `?stale=1` gives one that has just expired."""
    store = current_store()
    shop_document(shop)
    age = ID_TOKEN_SECONDS + 30 if request.args.get("stale") else 0
    answer = jsonify({"id_token": id_token(store.config.client_id, store.config.client_secret, shop, age=age)})
    return _for_the_app(answer, store)


@blueprint.get("/_dev/shops/<shop>/extensions")
def extensions(shop: str) -> ResponseReturnValue:
    """What `shopify.app.extensions()` tells: the theme app extension's blocks, and which are switched on."""
    store = current_store()
    shop_document(shop)
    off = theme_of(store.state, shop)["off"]
    folder = store.config.app.extension
    blocks = Extension(folder).blocks() if folder else []
    told = [
        {
            "handle": block.name,
            "name": block.name,
            "target": block.target,
            "status": "available" if block.name in off else "active",
            "activations": [] if block.name in off else [{"target": block.target, "themeId": "gid://shopify/Theme/1"}],
        }
        for block in blocks
    ]
    handle = {"handle": "perennial", "type": "theme_app_extension", "activations": told}
    return _for_the_app(jsonify([handle] if folder else []), store)


def _query(store: DevStore, shop: str, locale: str) -> str:
    """What the admin passes on, and parameters of the app's own page, which it keeps."""
    own = {name: value for name, value in request.args.items() if name != "locale"}
    signed = app_home_query(store, shop, locale=locale)
    return f"{signed}&{urlencode(own)}" if own else signed


def _for_the_app(answer: Response, store: DevStore) -> Response:
    """Readable by the app's own pages; no other site may have the token."""
    answer.headers["Access-Control-Allow-Origin"] = store.config.app_url
    answer.headers["Cache-Control"] = "no-store"
    return answer
