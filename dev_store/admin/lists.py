"""Plain pages of the admin: orders, customers, and the theme editor's switches of the extension's blocks."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from dev_store.oauth import shop_document
from dev_store.store import current_store
from dev_store.storefront.blocks import save_theme, theme_of
from dev_store.storefront.extension import Extension

blueprint = Blueprint("admin_lists", __name__, template_folder="templates", url_prefix="/<myshopify:shop>/admin")
SHOWN = 50
# Orders of the newest pages that a list looks at.
_KINDS = {"orders": "order", "customers": "customer"}


@blueprint.get("")
def home(shop: str) -> ResponseReturnValue:
    """The way to everything."""
    return _page(shop, "home.html", counts={name: _count(shop, kind) for name, kind in _KINDS.items()})


@blueprint.get("/<any(orders, customers):name>")
def newest(shop: str, name: str) -> ResponseReturnValue:
    """The newest of them."""
    state = current_store().state
    newest_first = sorted(state.all(shop, _KINDS[name]), key=lambda document: -int(document["id"]))[:SHOWN]
    return _page(shop, f"{name}.html", rows=newest_first, all=_count(shop, _KINDS[name]), here=name)


@blueprint.route("/themes/current/editor", methods=["GET", "POST"])
def theme_editor(shop: str) -> ResponseReturnValue:
    """Where app embeds are switched on and off. `activateAppId=<client id>/<block>` points at one, as at Shopify."""
    store = current_store()
    shop_document(shop)
    theme = theme_of(store.state, shop)
    if request.method == "POST":
        on = set(request.form.getlist("on"))
        theme["off"] = [name for name in _blocks() if name not in on]
        save_theme(store.state, shop, theme)
        return redirect(request.full_path)
    wanted = request.args.get("activateAppId", "").rpartition("/")[2]
    return _page(shop, "editor.html", blocks=_blocks(), off=theme["off"], wanted=wanted, here="theme")


def _blocks() -> list[str]:
    folder = current_store().config.app.extension
    return [block.name for block in Extension(folder).blocks()] if folder else []


def _count(shop: str, kind: str) -> int:
    return current_store().state.count(shop, kind)


def _page(shop: str, template: str, **values: object) -> str:
    document, config = shop_document(shop), current_store().config
    values = {"here": "home", **values}
    base = f"/{shop}/admin/apps/{config.client_id}"
    return render_template(f"dev_admin/{template}", shop=document, base=base, locale="en", **values)
