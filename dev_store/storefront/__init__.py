"""The storefront: a plain theme whose pages carry the real blocks of `storefront_snippets/`, as a shopper meets them.

`pages` are the theme's pages, `ajax` the theme's cart endpoints, `proxy` the app proxy, `visitors` who is looking and
what is in the cart. `engine`, `filters`, `tags` and `objects` render Liquid as far as theme app extensions use it;
`extension` reads the extension's folder. What a real theme has and nobody here needs is left out.
"""

from werkzeug.routing import BaseConverter

from dev_store.storefront import ajax, pages, proxy


class ShopDomain(BaseConverter):
    """The first part of a storefront's address, so that /favicon.ico is not taken for a shop."""

    regex = r"[^/]+\.myshopify\.com"


blueprints = (pages.blueprint, ajax.blueprint, proxy.blueprint)
