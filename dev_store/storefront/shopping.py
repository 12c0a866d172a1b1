"""One request to a storefront: the shop, the language of its address, the visitor, the cart. Used by all its routes."""

from dataclasses import dataclass
from datetime import datetime

from flask import abort

from dev_store.state import Document, State
from dev_store.store import current_store
from dev_store.storefront import carts
from dev_store.storefront.carts import PricedCart
from dev_store.storefront.visitors import Visitor, current_visitor

# The shop's other languages stand in its addresses, as with Shopify's markets; English has none.
LANGUAGES = ("en", "de", "ja", "tr")


@dataclass(frozen=True)
class Shopping:
    """What a page is made of; `root` is `Shopify.routes.root`, with a slash at its end."""

    state: State
    shop: Document
    visitor: Visitor
    language: str
    at: datetime

    @property
    def root(self) -> str:
        prefix = "" if self.language == "en" else f"{self.language}/"
        return f"/{self.shop['myshopify_domain']}/{prefix}"

    def cart(self, email: str | None = None) -> PricedCart:
        """The visitor's cart as it would be charged now."""
        return carts.price(self.visitor, self.shop["currency"], self.at, email=email)


def shopping(domain: str, language: str) -> Shopping:
    """The request in hand; 404 for a shop or a language that is not there."""
    store = current_store()
    document = store.state.shop_document(domain)
    if document is None or (language and language not in LANGUAGES[1:]):
        abort(404)
    return Shopping(
        store.state, document, current_visitor(store.state, domain), language or LANGUAGES[0], store.clock.now()
    )
