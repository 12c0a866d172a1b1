"""OAuth's two doors: `/auth` sends a merchant to Shopify's approval page, `/auth/callback` takes the answer back.

Both are reached by browsers only. Every refusal is a page that says what to do, with a 4xx status; nothing of a request
is trusted before its signature, its state and its shop are.
"""

import structlog
from flask import Blueprint, current_app, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as BaseResponse

from app import clock, runtime
from app.admin.pages import message
from app.config import Settings
from app.shopify import oauth
from app.shopify.errors import OAuthRefused, ShopifyError
from app.shopify.origin import NotAShop, embedded_url, shop_domain
from app.shopify.session import BadSignature, entered_shop, missing_scopes, verify_query
from app.shops import oauth_state
from app.shops.install import connect
from app.shops.oauth_state import WrongState

log = structlog.get_logger()
blueprint = Blueprint("shops", __name__, url_prefix="/auth")


class Refusal(Exception):
    """Ends the round trip with a page."""

    def __init__(self, title: str, text: str, *, status: int = 400, shop: str | None = None) -> None:
        super().__init__(title)
        self.title, self.text, self.status, self.shop = title, text, status, shop


@blueprint.get("")
def begin() -> ResponseReturnValue:
    """Begin an installation. The request may be unsigned, because it only leads to Shopify's own page."""
    settings = _settings()
    try:
        shop = entered_shop(request.args.get("shop", ""))
    except NotAShop as error:
        raise Refusal(
            "Which shop?", "Add ?shop=example.myshopify.com with the permanent domain of the shop."
        ) from error
    state, cookie = oauth_state.begin(settings, shop)
    response = redirect(oauth.authorization_url(settings, shop, state))
    response.set_cookie(
        oauth_state.COOKIE,
        cookie,
        max_age=oauth_state.LIFETIME_SECONDS,
        path=blueprint.url_prefix or "/",
        secure=settings.app_url.startswith("https://"),
        httponly=True,
        samesite="Lax",
    )
    return _uncached(response)


@blueprint.get("/callback")
def callback() -> ResponseReturnValue:
    """Finish it: verify, exchange the code, install, and lead into the admin."""
    settings = _settings()
    parameters = _verified(settings)
    shop = parameters["shop"]
    try:
        tokens = oauth.exchange_code(settings, shop, parameters.get("code", ""))
        if missing := missing_scopes(tokens.scope or "", settings.scopes):
            raise _too_few(missing, shop)
        connect(runtime.of(current_app), shop, tokens)
    except OAuthRefused as error:
        log.warning("code refused", reason=error.error)
        raise Refusal(
            "Shopify did not accept the installation", "Its code was used before or is too old. Begin again.", shop=shop
        ) from error
    except ShopifyError as error:
        log.warning("installation failed", reason=str(error))
        raise Refusal(
            "Shopify did not answer", "Nothing was changed. Wait a moment and begin again.", status=503, shop=shop
        ) from error
    return _clear_state(_uncached(redirect(embedded_url(settings, shop, parameters.get("host")))))


@blueprint.errorhandler(Refusal)
def refuse(refusal: Refusal) -> BaseResponse:
    """The page of a refusal, with the way to begin again where the shop is known."""
    link = (f"/auth?shop={refusal.shop}", "Begin the installation again") if refusal.shop else None
    return _clear_state(message(refusal.title, refusal.text, status=refusal.status, link=link))


def _verified(settings: Settings) -> dict[str, str]:
    """The callback's parameters: signed by Shopify, fresh, from a shop, and of this browser's own round trip."""
    try:
        parameters = verify_query(dict(request.args.lists()), settings.webhook_secrets, now=clock.wall_now())
        shop = shop_domain(parameters.get("shop"))
        oauth_state.finish(settings, request.cookies.get(oauth_state.COOKIE), parameters.get("state", ""), shop)
    except BadSignature as error:
        log.warning("callback refused", reason=str(error))
        raise Refusal(
            "This link is not from Shopify, or it is too old", "Begin again from the Shopify admin."
        ) from error
    except NotAShop as error:
        raise Refusal("This is not a Shopify shop", "Begin again from the Shopify admin.") from error
    except WrongState as error:
        log.warning("callback refused", reason="state")
        raise Refusal("The installation cannot be finished", str(error), status=403, shop=shop) from error
    return parameters


def _too_few(missing: list[str], shop: str) -> Refusal:
    text = f"Without {', '.join(missing)} the app cannot work. Begin again and approve all of its permissions."
    return Refusal("Some permissions are missing", text, status=403, shop=shop)


def _settings() -> Settings:
    settings = runtime.of(current_app).settings
    if not settings.api_key or not settings.api_secret:
        raise Refusal(
            "Perennial has no API key", "Set SHOPIFY_API_KEY and SHOPIFY_API_SECRET and start it again.", status=503
        )
    return settings


def _uncached(response: BaseResponse) -> BaseResponse:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _clear_state(response: BaseResponse) -> BaseResponse:
    response.delete_cookie(oauth_state.COOKIE, path=blueprint.url_prefix or "/")
    return response
