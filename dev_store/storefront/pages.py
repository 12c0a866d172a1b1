"""The theme's pages: home, collection, product, cart, log-in, account, checkout, thanks. Plain HTML by Jinja.

A customer logs in with an address alone: there is nobody here to fool. What visitors typed is escaped by Jinja.
"""

import mimetypes
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from dev_store.money import to_text
from dev_store.state import Document
from dev_store.store import current_store
from dev_store.storefront import placing
from dev_store.storefront.blocks import blocks_on
from dev_store.storefront.extension import Extension
from dev_store.storefront.shopping import LANGUAGES, Shopping, shopping

blueprint = Blueprint("storefront", __name__, url_prefix="/<myshopify:shop>", template_folder="templates")
_ADDRESSES = ("/{path}", "/<any('de','ja','tr'):language>/{path}")


View = Callable[..., ResponseReturnValue]


def _page(path: str, methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
    """Serve a page in every language of the shop."""

    def register(view: View) -> View:
        for address in _ADDRESSES:
            blueprint.add_url_rule(address.format(path=path), view_func=view, methods=list(methods))
        return view

    return register


@_page("")
def home(shop: str, language: str = "") -> ResponseReturnValue:
    """The newest products."""
    here = shopping(shop, language)
    return _show(here, "home", products=list(here.state.all(shop, "product"))[-6:])


@_page("collections/all")
def collection(shop: str, language: str = "") -> ResponseReturnValue:
    """All products."""
    here = shopping(shop, language)
    return _show(here, "collection", products=list(here.state.all(shop, "product")))


@_page("products/<handle>")
def product(shop: str, handle: str, language: str = "") -> ResponseReturnValue:
    """One product, with a form that works without a script."""
    here = shopping(shop, language)
    found = here.state.find(shop, "product", "handle", handle)
    if not found:
        abort(404)
    return _show(here, "product", product=found[0])


@_page("pages/<handle>")
def page(shop: str, handle: str, language: str = "") -> ResponseReturnValue:
    """A page that the merchant wrote; nothing but its title and the app blocks that were put into it."""
    return _show(shopping(shop, language), "page", title=handle.replace("-", " ").capitalize())


@_page("cart")
def cart(shop: str, language: str = "") -> ResponseReturnValue:
    """What is in the cart and which codes apply."""
    return _show(shopping(shop, language), "cart")


@_page("login", methods=("GET", "POST"))
def login(shop: str, language: str = "") -> ResponseReturnValue:
    """Log in as the customer with an address; out with an empty one."""
    here = shopping(shop, language)
    if request.method == "GET":
        return _show(here, "login")
    email = request.form.get("email", "").strip().lower()
    found = here.state.find(shop, "customer", "email", email) if email else []
    if email and not found:
        return _show(here, "login", problem="No customer of this shop has that address."), 422
    here.visitor.document["customer_id"] = found[0]["id"] if found else None
    here.visitor.save()
    return here.visitor.remember(make_response(redirect(here.root + ("account" if found else ""))))


@_page("account")
def account(shop: str, language: str = "") -> ResponseReturnValue:
    """The customer's orders."""
    here = shopping(shop, language)
    customer = here.visitor.customer
    if customer is None:
        return redirect(here.root + "login")
    orders = here.state.find(shop, "order", "customer_id", customer["id"])
    return _show(here, "account", customer=customer, orders=sorted(orders, key=lambda one: -one["id"])[:20])


@_page("checkout", methods=("GET", "POST"))
def checkout(shop: str, language: str = "") -> ResponseReturnValue:
    """Who buys, what it costs, and why a code does not work; POST buys."""
    here = shopping(shop, language)
    email = request.form.get("email", "").strip() or None
    if request.method == "GET" or request.form.get("action") != "buy":
        return _show(here, "checkout", email=email)
    placed = placing.place(current_store().commerce(shop), here, email)
    if isinstance(placed, str):
        return _show(here, "checkout", email=email, problem=placed), 422
    return here.visitor.remember(make_response(redirect(f"{here.root}thanks/{placed}")))


@_page("thanks/<int:order_id>")
def thanks(shop: str, order_id: int, language: str = "") -> ResponseReturnValue:
    """The order that was placed."""
    here = shopping(shop, language)
    order = here.state.get(shop, "order", order_id)
    if order is None or here.visitor.document.get("last_order") != order_id:
        abort(404)
    return _show(here, "thanks", order=order)


@blueprint.get("/_extension/<name>")
def asset(shop: str, name: str) -> ResponseReturnValue:
    """An asset of the extension, as Shopify's CDN would serve it."""
    extension = _extension()
    path = extension.asset(name) if extension else None
    if path is None:
        abort(404)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Response(path.read_bytes(), content_type=kind, headers={"Cache-Control": "public, max-age=31536000"})


def _show(here: Shopping, page: str, **values: Any) -> Response:
    """A page with its blocks; the first one a visitor sees is remembered as where the visit began."""
    if here.visitor.document["landing_site"] is None and page not in {"login", "checkout"}:
        here.visitor.document["landing_site"] = request.full_path.removeprefix(f"/{here.shop['domain']}").rstrip("?")
        here.visitor.save()
    extension = _extension()
    shown: Document | None = values.get("product")
    blocks = blocks_on(here, extension, page, shown) if extension else {"head": "", "body": "", "section": ""}
    html = render_template(
        f"storefront/{page}.html",
        here=here,
        cart=here.cart(values.get("email")),
        visitor=here.visitor,
        blocks=blocks,
        page=page,
        languages=LANGUAGES,
        money=lambda minor: f"{to_text(minor, here.shop['currency'])} {here.shop['currency']}",
        **values,
    )
    return here.visitor.remember(make_response(html))


def _extension() -> Extension | None:
    folder = current_store().config.app.extension
    return Extension(folder) if folder else None
