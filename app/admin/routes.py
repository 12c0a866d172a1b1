"""The app home, as Shopify's admin shows it in a frame. A plain page so far.

Who asks is known from the ID token alone, never from `shop`, `host` or a cookie. The first open installs the shop.
"""

import structlog
from flask import Blueprint, Response, current_app, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import WWWAuthenticate

from app import runtime
from app.admin import queries
from app.admin.pages import message, page
from app.money import to_decimal_string
from app.runtime import Runtime
from app.shopify.errors import OAuthRefused, ShopifyError
from app.shopify.origin import NotAShop, frame_ancestors, in_admin, shop_domain
from app.shopify.session import BadIdToken, IdTokenExpired, missing_scopes, verify_id_token
from app.shops import queries as shop_queries
from app.shops.opening import is_connected, opened

log = structlog.get_logger()
blueprint = Blueprint("admin", __name__, template_folder="templates", static_folder="static", static_url_path="/assets")
# App Bridge repeats a fetch with a new ID token when it reads this.
RETRY_HEADER = "X-Shopify-Retry-Invalid-Session-Request"


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The shop's program and figures, for whoever brings an ID token; else the way to one."""
    if token := _id_token():
        return _open(runtime.of(current_app), token)
    if "shop" in request.args:
        return _without_token(runtime.of(current_app), request.args["shop"])
    return message("This is Perennial", "Open it from the Apps page of your Shopify admin.")


def _open(running: Runtime, token: str) -> ResponseReturnValue:
    settings = running.settings
    try:
        identity = verify_id_token(token, settings.api_key, settings.webhook_secrets)
    except IdTokenExpired:
        return _refused("Your session has expired", "Open the app again from the Shopify admin.")
    except BadIdToken as error:
        log.warning("ID token refused", reason=str(error))
        return _refused("You are not signed in", f"{error} Open the app again from the Shopify admin.")
    if request.args.get("shop", identity.shop) != identity.shop:
        return message("Two shops at once", "The address names another shop than the ID token.", status=400)
    ancestors = frame_ancestors(settings, identity.shop)
    try:
        shop_id = opened(running, identity, token)
    except OAuthRefused as error:
        log.warning("token exchange refused", reason=error.error)
        return _refused("Shopify ended your session", "Open the app again from the Shopify admin.", ancestors)
    except ShopifyError as error:
        log.warning("installation failed", reason=str(error))
        text = "The shop could not be connected. Nothing was changed; open the app again in a moment."
        return message("Shopify did not answer", text, status=503, ancestors=ancestors)
    return _show(running, shop_id, ancestors)


def _show(running: Runtime, shop_id: int, ancestors: str) -> Response:
    with running.database.shop(shop_id) as session:
        overview = queries.overview(session, shop_queries.shop(session, shop_id))
    return page(
        "admin/home.html",
        ancestors=ancestors,
        overview=overview,
        missing=missing_scopes(overview.shop.scopes, running.settings.scopes),
        api_url=f"{running.settings.app_url}/api/v1",
        money=to_decimal_string,
    )


def _without_token(running: Runtime, text: str) -> ResponseReturnValue:
    """Nothing of the shop is shown without an ID token. OAuth's page cannot be framed, so a frame gets a link."""
    try:
        domain = shop_domain(text)
    except NotAShop:
        return message("This is not a Shopify shop", "Open the app from the Shopify admin.", status=400)
    with running.database.system() as session:
        shop = shop_queries.shop_by_domain(session, domain)
    if shop is not None and is_connected(running.settings, shop):
        text = "Your Shopify admin tells Perennial who you are. Find it there under Apps."
        return message("Open Perennial from the Shopify admin", text, link=(in_admin(running.settings, domain), "Open"))
    if request.args.get("embedded") == "1":
        link = (f"/auth?shop={domain}", "Install")
        ancestors = frame_ancestors(running.settings, domain)
        return message("Install Perennial", "Shopify will ask for your approval.", ancestors=ancestors, link=link)
    return redirect(f"/auth?shop={domain}")


def _id_token() -> str | None:
    """From a fetch of App Bridge, or from the address that the admin loads."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return bearer.strip() or "-"
    return request.args.get("id_token")


def _refused(title: str, text: str, ancestors: str = "'none'") -> Response:
    response = message(title, text, status=401, ancestors=ancestors)
    response.www_authenticate = WWWAuthenticate("bearer", {"realm": "Perennial"})
    if "Authorization" in request.headers:
        response.headers[RETRY_HEADER] = "1"
    return response
