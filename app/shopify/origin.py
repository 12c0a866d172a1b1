"""Shop domains and the addresses they stand for: the one place that turns a shop into a URL.

What must stay true: no text reaches an address unless it is, whole, a myshopify.com domain. That keeps a shop parameter
from steering a request with a token in it, or a browser, to another host.
"""

import base64
import binascii
import re
from urllib.parse import urlsplit

from app.config import SHOPIFY_ORIGIN, Settings

_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\.myshopify\.com")
ADMIN = "https://admin.shopify.com"
_IN_ADMIN = re.compile(r"admin\.shopify\.com/store/[a-z0-9][a-z0-9-]{0,59}")


class NotAShop(ValueError):
    """The text is not a shop's myshopify.com domain."""


def is_shop_domain(text: object) -> bool:
    """Whether this is, to the last character, a shop's permanent domain in lower case."""
    return isinstance(text, str) and _DOMAIN.fullmatch(text) is not None


def shop_domain(text: object) -> str:
    """The domain itself; raises NotAShop for anything else, be it a prefix, a port, a path or a line break too much."""
    if not is_shop_domain(text):
        raise NotAShop("this is not a shop domain such as example.myshopify.com")
    return str(text)


def shop_url(settings: Settings, domain: str, path: str = "") -> str:
    """The address of a path (`/admin/…`) of a shop, through the origin setting. Raises NotAShop."""
    return settings.shopify_origin.replace("{shop}", shop_domain(domain)) + path


def in_admin(settings: Settings, domain: str) -> str:
    """Where a merchant sees the app inside the admin; Shopify leads on from there to the admin's newer address."""
    return shop_url(settings, domain, f"/admin/apps/{settings.api_key}")


def embedded_url(settings: Settings, domain: str, host: str | None) -> str:
    """Where Shopify's admin shows the app, as its parameter `host` says; `in_admin` where that cannot be believed.

    `host` is base64 of `admin.shopify.com/store/<name>` or `<shop>.myshopify.com/admin`. Whatever else it holds, be it
    another host, a port, a user name or a path that climbs, would lead a merchant away from Shopify (open redirect).
    """
    place = _decoded(host or "")
    own = f"{shop_domain(domain)}/admin"
    if is_shopify_itself(settings) and (place == own or _IN_ADMIN.fullmatch(place)):
        return f"https://{place}/apps/{settings.api_key}"
    return in_admin(settings, domain)


def _decoded(host: str) -> str:
    try:
        return base64.b64decode(host + "=" * (-len(host) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""


def is_shopify_itself(settings: Settings) -> bool:
    """False when a development store stands in for Shopify."""
    return settings.shopify_origin == SHOPIFY_ORIGIN


def frame_ancestors(settings: Settings, domain: str) -> str:
    """Who may show the app's pages in a frame: this shop's admin and nobody else (Content-Security-Policy)."""
    own = urlsplit(shop_url(settings, domain))
    return f"{own.scheme}://{own.netloc} {ADMIN}"
