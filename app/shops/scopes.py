"""Scopes that only some features need: asked for when a merchant turns the feature on, never at the installation.

`shopify.app.toml` lists them as optional (a test keeps both equal); the admin asks for them through App Bridge
(`shopify.scopes.request`), Shopify tells of the answer by `app/scopes_update`. Every feature works without them as far
as it can, and says what it cannot.
"""

from dataclasses import dataclass

from app.shopify.session import missing_scopes
from app.shops.models import Shop


@dataclass(frozen=True)
class Feature:
    """What a feature needs beyond the scopes of the installation, and what a merchant is told while it lacks them."""

    scopes: tuple[str, ...]
    without: str


FEATURES = {
    "order_history": Feature(
        ("read_all_orders",),
        "Shopify shows this app the orders of the last 60 days only. Of earlier ones the number and the sum are known "
        "for each customer, not the orders themselves.",
    ),
}


def lacking(shop: Shop, feature: str) -> tuple[str, ...]:
    """The scopes to ask for, none when the feature has all it needs. KeyError for a feature that is not listed."""
    return tuple(missing_scopes(shop.scopes, FEATURES[feature].scopes))


def shortcomings(shop: Shop) -> dict[str, str]:
    """Of each feature that lacks scopes, what it cannot do, in words."""
    return {name: feature.without for name, feature in FEATURES.items() if lacking(shop, name)}
