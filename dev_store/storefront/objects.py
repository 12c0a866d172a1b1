"""The objects that a theme app extension's Liquid may use, from the store's documents: shop, customer, cart, request,
localization, product, template, routes, app.

Metafields are reached as `metafields.<namespace>.<key>.value`; JSON ones are read. Of the app only metafields of its
own installation are shown, as at Shopify.
"""

import json
from collections.abc import Mapping
from typing import Any

import flask

from dev_store.money import hundredths, to_minor
from dev_store.state import Document, State
from dev_store.storefront import carts
from dev_store.storefront.extension import Extension
from dev_store.storefront.shopping import LANGUAGES, Shopping

_NAMES = {"en": "English", "de": "Deutsch", "ja": "日本語", "tr": "Türkçe"}


def page_objects(here: Shopping, extension: Extension, page: str, product: Document | None = None) -> dict[str, Any]:
    """Everything a block of this page can name."""
    cart = here.cart()
    return {
        "shop": _shop(here),
        "customer": _customer(here),
        "cart": carts.as_json(here.visitor, cart, here.root) | {"empty?": not cart.items},
        "request": _request(here, page),
        "localization": _localization(here),
        "routes": {"root_url": here.root, "cart_url": f"{here.root}cart", "account_login_url": f"{here.root}login"},
        "product": _product(product, here),
        "template": {"name": page, "suffix": None},
        "app": {"metafields": metafields(here.state, here.shop["myshopify_domain"], installation(here))},
        "extension_texts": extension.texts(here.language),
        "cart_currency": here.shop["currency"],
        "asset_root": f"/{here.shop['myshopify_domain']}/_extension/",
    }


def installation(here: Shopping) -> str:
    """The owner under which metafields of the app's installation are kept."""
    return f"gid://shopify/AppInstallation/{here.shop['id']}"


def metafields(state: State, shop: str, owner: str) -> dict[str, dict[str, Any]]:
    """Metafields of an owner by namespace and key."""
    found: dict[str, dict[str, Any]] = {}
    for document in state.find(shop, "metafield", "owner", owner):
        value = json.loads(document["value"]) if document["type"] in {"json", "boolean"} else document["value"]
        found.setdefault(document["namespace"], {})[document["key"]] = {"value": value, "type": document["type"]}
    return found


def _shop(here: Shopping) -> dict[str, Any]:
    shop = here.shop
    return {
        "name": shop["name"],
        "currency": shop["currency"],
        "permanent_domain": shop["myshopify_domain"],
        "domain": shop["domain"],
        "url": f"{flask.request.host_url}{shop['myshopify_domain']}",
        "id": shop["id"],
        "locale": "en",
        "money_format": "{{amount}}",
    }


def _customer(here: Shopping) -> Mapping[str, Any] | None:
    customer = here.visitor.customer
    if customer is None:
        return None
    names = ("id", "email", "first_name", "last_name", "phone")
    owned = metafields(here.state, here.shop["myshopify_domain"], f"gid://shopify/Customer/{customer['id']}")
    name = " ".join(part for part in (customer.get("first_name"), customer.get("last_name")) if part)
    consent = (customer.get("_email_marketing_consent") or {}).get("state")
    return {key: customer.get(key) for key in names} | {
        "name": name,
        "metafields": owned,
        "accepts_marketing": consent == "subscribed",
        "has_account": True,
        "orders_count": len(here.state.find(here.shop["myshopify_domain"], "order", "customer_id", customer["id"])),
    }


# What Shopify calls pages that have another name here (https://shopify.dev/docs/api/liquid/objects/request).
_PAGE_TYPES = {"home": "index", "account": "customers/account", "login": "customers/login"}


def _request(here: Shopping, page: str) -> dict[str, Any]:
    return {
        "locale": {"iso_code": here.language, "name": _NAMES[here.language], "root_url": here.root},
        "page_type": _PAGE_TYPES.get(page, page),
        "design_mode": flask.request.args.get("design_mode") == "1",
        "host": here.shop["myshopify_domain"],
        "path": here.root,
    }


def _localization(here: Shopping) -> dict[str, Any]:
    def language(code: str) -> dict[str, Any]:
        return {"iso_code": code, "endonym_name": _NAMES[code], "primary": code == "en"}

    return {
        "language": language(here.language),
        "available_languages": [language(code) for code in LANGUAGES],
        "country": {"iso_code": here.shop["country_code"], "currency": {"iso_code": here.shop["currency"]}},
        "market": {"handle": "primary"},
    }


def _product(product: Document | None, here: Shopping) -> dict[str, Any] | None:
    if product is None:
        return None
    currency = here.shop["currency"]
    price = hundredths(to_minor(product["variants"][0]["price"], currency), currency)
    return {
        "id": product["id"],
        "title": product["title"],
        "handle": product["handle"],
        "price": price,
        "tags": [tag.strip() for tag in product["tags"].split(",") if tag.strip()],
        "url": f"{here.root}products/{product['handle']}",
        "available": True,
    }
