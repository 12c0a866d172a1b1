"""The theme's cart endpoints (Shopify's AJAX API): `/cart.js`, `/cart/add.js`, `/cart/update.js`, `/cart/clear.js`,
and `/discount/CODE`.

`discount` in an update replaces all codes, an empty text clears them (since May 2025). Answers are JSON; what is wrong
is 422 with `status`, `message` and `description`, as at Shopify.
"""

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, request
from flask.typing import ResponseReturnValue

from dev_store.storefront import carts
from dev_store.storefront.shopping import Shopping, shopping
from dev_store.storefront.visitors import Visitor

blueprint = Blueprint("storefront_ajax", __name__, url_prefix="/<myshopify:shop>")
_MOST_CODES = 20


@blueprint.get("/cart.js")
@blueprint.get("/<language>/cart.js")
def show(shop: str, language: str = "") -> ResponseReturnValue:
    """The cart."""
    return _cart(shopping(shop, language))


@blueprint.post("/cart/add.js")
@blueprint.post("/<language>/cart/add.js")
def add(shop: str, language: str = "") -> ResponseReturnValue:
    """{"id", "quantity"} or {"items": […]}; forms too."""
    here, body = shopping(shop, language), _body()
    entries = body.get("items") or [body]
    known = carts.variants(here.state, shop)
    for entry in entries:
        key, quantity = str(entry.get("id")), _whole(entry.get("quantity", 1))
        if key not in known or quantity is None or quantity < 1:
            return _refused("Cart Error", "The item cannot be added: no such variant, or no such quantity.")
        here.visitor.lines[key] = here.visitor.lines.get(key, 0) + quantity
    here.visitor.save()
    if request.form:
        return here.visitor.remember(make_response(redirect(here.root + "cart")))
    return _cart(here)


@blueprint.post("/cart/update.js")
@blueprint.post("/<language>/cart/update.js")
def update(shop: str, language: str = "") -> ResponseReturnValue:
    """{"updates": {variant: pieces}, "attributes": {…}, "note", "discount": "A,B"}; what is not named stays."""
    here, body = shopping(shop, language), _body()
    problem = _change(here.visitor, body)
    if problem:
        return _refused("Cart Error", problem)
    here.visitor.save()
    return _cart(here)


@blueprint.post("/cart/clear.js")
@blueprint.post("/<language>/cart/clear.js")
def clear(shop: str, language: str = "") -> ResponseReturnValue:
    """No lines any more; codes and attributes stay."""
    here = shopping(shop, language)
    here.visitor.lines.clear()
    here.visitor.save()
    return _cart(here)


@blueprint.get("/discount/<code>")
@blueprint.get("/<language>/discount/<code>")
def enter_code(shop: str, code: str, language: str = "") -> ResponseReturnValue:
    """Enters a code for the session and goes on to `redirect`, which must be a path of this shop."""
    here = shopping(shop, language)
    here.visitor.document["codes"] = [code]
    here.visitor.save()
    target = request.args.get("redirect", "/")
    safe = target.startswith("/") and not target.startswith(("//", "/\\"))
    return here.visitor.remember(make_response(redirect(here.root + (target.lstrip("/") if safe else ""))))


def _change(visitor: Visitor, body: dict[str, Any]) -> str | None:
    updates, attributes = body.get("updates") or {}, body.get("attributes") or {}
    if not isinstance(updates, dict) or not isinstance(attributes, dict):
        return "updates and attributes are objects."
    for key, value in updates.items():
        quantity = _whole(value)
        if quantity is None or quantity < 0:
            return "A quantity is a whole number of 0 or more."
        visitor.lines.pop(str(key), None) if quantity == 0 else visitor.lines.update({str(key): quantity})
    kept = visitor.document["attributes"]
    for name, value in attributes.items():
        kept.pop(str(name), None) if value in {None, ""} else kept.update({str(name): str(value)})
    if "note" in body:
        visitor.document["note"] = str(body["note"])
    if "discount" in body:
        codes = [code.strip() for code in str(body["discount"]).split(",") if code.strip()]
        visitor.document["codes"] = list(dict.fromkeys(codes))[:_MOST_CODES]
    return None


def _cart(here: Shopping) -> Response:
    return here.visitor.remember(jsonify(carts.as_json(here.visitor, here.cart(), here.root)))


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    return body if isinstance(body, dict) else {}


def _whole(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def _refused(message: str, description: str) -> ResponseReturnValue:
    return jsonify({"status": 422, "message": message, "description": description}), 422
