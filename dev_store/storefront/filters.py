"""Filters that Shopify adds to Liquid, as far as theme app extensions use them.

`t` reads the extension's texts and, like Shopify, escapes what is put into them unless the key ends with `_html`.
`json` escapes what could end a script element.
"""

import json
from decimal import Decimal
from typing import Any

from liquid import Environment, RenderContext
from liquid.filter import with_context
from liquid.undefined import Undefined
from markupsafe import escape

from dev_store.money import exponent, rounded, to_text

_SYMBOLS = {"USD": "$", "GBP": "£", "EUR": "€", "JPY": "¥", "TRY": "₺"}


def _plain(value: Any) -> Any:
    if isinstance(value, Undefined):
        return None
    if hasattr(value, "as_json"):
        return value.as_json()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} cannot become JSON")


def to_json(value: Any) -> str:
    """`json`: safe inside a script element."""
    text = json.dumps(None if isinstance(value, Undefined) else value, default=_plain, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028")


@with_context
def money(hundredths: Any, *, context: RenderContext) -> str:
    """`money`: hundredths, whatever decimals the cart's currency has, with its symbol."""
    currency = str(context.resolve("cart_currency", default="USD"))
    minor = rounded(Decimal(int(hundredths or 0)).scaleb(exponent(currency) - 2))
    return f"{_SYMBOLS.get(currency, currency + ' ')}{to_text(minor, currency)}"


@with_context
def asset_url(name: Any, *, context: RenderContext) -> str:
    """`asset_url`: where the dev store serves the extension's assets."""
    return f"{context.resolve('asset_root', default='')}{name}"


def stylesheet_tag(url: Any) -> str:
    """`stylesheet_tag`."""
    return f'<link href="{escape(url)}" rel="stylesheet" type="text/css" media="all" />'


def script_tag(url: Any) -> str:
    """`script_tag`; theme check refuses it, because it blocks the parser."""
    return f'<script src="{escape(url)}" type="text/javascript"></script>'


@with_context
def translate(key: Any, *, context: RenderContext, **values: Any) -> str:
    """`t`: a text by its path, with `{{ name }}` replaced and `count` choosing one or other."""
    text = _text(context.resolve("extension_texts", default={}), str(key), values.get("count"))
    if text is None:
        return f"Translation missing: {key}"
    raw = str(key).endswith("_html")
    for name, value in values.items():
        shown = str(value) if raw else str(escape(value))
        text = text.replace("{{ " + name + " }}", shown).replace("{{" + name + "}}", shown)
    return text


def _text(texts: Any, key: str, count: Any) -> str | None:
    found = texts
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, dict):
        found = found.get("one" if count == 1 else "other")
    return found if isinstance(found, str) else None


def add_filters(environment: Environment) -> None:
    """Make the filters known."""
    known = {
        "json": to_json,
        "money": money,
        "asset_url": asset_url,
        "stylesheet_tag": stylesheet_tag,
        "script_tag": script_tag,
        "t": translate,
    }
    for name, function in known.items():
        environment.add_filter(name, function)
