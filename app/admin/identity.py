"""Who opens an admin page: the ID token is verified, and the shop it names is connected if it was not.

The token comes in the `Authorization` header of a fetch (App Bridge adds it to every one) or, for a page that is
opened and only then, in the address. Never from a cookie, never from `shop` or `host`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from app.admin.texts import gettext as _
from app.runtime import Runtime
from app.shopify.errors import OAuthRefused, ShopifyError
from app.shopify.origin import frame_ancestors
from app.shopify.session import BadIdToken, IdToken, IdTokenExpired, verify_id_token
from app.shops import queries
from app.shops.opening import is_connected, opened

log = structlog.get_logger()


class NotAdmitted(Exception):
    """The page is not shown, and why not."""

    def __init__(self, title: str, text: str, *, status: int = 401, ancestors: str = "'none'") -> None:
        super().__init__(title)
        self.title, self.text, self.status, self.ancestors = title, text, status, ancestors


class Expired(NotAdmitted):
    """The token was good a moment ago; with a new one the page is shown."""


@dataclass(frozen=True)
class Presented:
    """What a request brings: the token, and whether it came in the header."""

    token: str
    in_header: bool


@dataclass(frozen=True)
class Staff:
    """A verified member of a shop's staff; `ancestors` are the origins that may frame the shop's pages."""

    shop_id: int
    domain: str
    user_id: str
    ancestors: str


def presented(authorization: str, query: Mapping[str, str]) -> Presented | None:
    """The token of a request; an empty one in a header is a token that proves nothing, not a missing one."""
    scheme, _separator, bearer = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return Presented(bearer.strip() or "-", in_header=True)
    token = query.get("id_token")
    return Presented(token, in_header=False) if token is not None else None


def admitted(runtime: Runtime, given: Presented, named: str | None) -> Staff:
    """Who it is; raises NotAdmitted in words. `named` is the shop that the address names, if it does."""
    identity = _verified(runtime, given.token)
    if named is not None and named != identity.shop:
        raise NotAdmitted(_("Two shops at once"), _("The address names another shop than the ID token."), status=400)
    ancestors = frame_ancestors(runtime.settings, identity.shop)
    shop_id = _known(runtime, identity) if given.in_header else None
    if shop_id is None:
        shop_id = _opened(runtime, identity, given.token, ancestors)
    return Staff(shop_id, identity.shop, identity.user_id, ancestors)


def _verified(runtime: Runtime, token: str) -> IdToken:
    settings = runtime.settings
    try:
        return verify_id_token(token, settings.api_key, settings.webhook_secrets)
    except IdTokenExpired as error:
        raise Expired(_("Your session has expired"), _("Open the app again from the Shopify admin.")) from error
    except BadIdToken as error:
        log.warning("ID token refused", reason=str(error))
        raise NotAdmitted(_("You are not signed in"), _("Open the app again from the Shopify admin.")) from error


def _known(runtime: Runtime, identity: IdToken) -> int | None:
    """A fetch within the app is no new open: nothing is written for it."""
    with runtime.database.system() as session:
        shop = queries.shop_by_domain(session, identity.shop)
    return shop.id if shop is not None and is_connected(runtime.settings, shop) else None


def _opened(runtime: Runtime, identity: IdToken, token: str, ancestors: str) -> int:
    try:
        return opened(runtime, identity, token)
    except OAuthRefused as error:
        log.warning("token exchange refused", reason=error.error)
        text = _("Open the app again from the Shopify admin.")
        raise NotAdmitted(_("Shopify ended your session"), text, ancestors=ancestors) from error
    except ShopifyError as error:
        log.warning("installation failed", reason=str(error))
        text = _("The shop could not be connected. Nothing was changed; open the app again in a moment.")
        raise NotAdmitted(_("Shopify did not answer"), text, status=503, ancestors=ancestors) from error
