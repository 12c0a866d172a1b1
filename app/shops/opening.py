"""A merchant opens the app: which shop that is, connected to Shopify if it was not.

The app home calls it with a verified ID token. Shopify does not call an app that a merchant installs from the admin, so
the first open is the installation; later ones heal a connection that was lost. Every open proves that the app is
installed at that moment, so an `app/uninstalled` from before it, delivered late after a quick reinstall, is old news.
"""

from app import clock
from app.config import Settings
from app.runtime import Runtime
from app.shopify import oauth
from app.shopify.session import IdToken, scopes_cover
from app.shops import queries
from app.shops.install import connect
from app.shops.models import Shop


def opened(runtime: Runtime, identity: IdToken, id_token: str) -> int:
    """The id of the shop that is opened, with tokens that work. Raises a ShopifyError when it cannot be connected."""
    with runtime.database.system() as session:
        shop = queries.shop_by_domain(session, identity.shop)
    if shop is not None and is_connected(runtime.settings, shop):
        with runtime.database.shop(shop.id) as session:
            queries.shop(session, shop.id).installed_at = clock.now()
        return shop.id
    return connect(runtime, identity.shop, oauth.exchange_id_token(runtime.settings, identity.shop, id_token))


def is_connected(settings: Settings, shop: Shop) -> bool:
    """Whether the shop's tokens are there, believed to be good, and sufficient for what we do.

    A pause is no matter of tokens: Shopify would refuse new ones as well, and the merchant is to see why it is paused.
    """
    believed = shop.connection in {"ok", "paused"}
    installed = shop.state == "installed" and believed and shop.access_token is not None
    return installed and scopes_cover(shop.scopes, settings.scopes)
