"""Where the extension's blocks stand in the theme: embeds at the end of every page, app blocks in places of some.

Kept in the store's state (kind `theme`), as the theme editor keeps it in `settings_data.json`; at first every embed is
switched on and each app block stands once where it is of use.
"""

from typing import Any

from markupsafe import Markup, escape

from dev_store.state import Document, State
from dev_store.storefront.engine import render_block
from dev_store.storefront.extension import Block, Extension
from dev_store.storefront.objects import page_objects
from dev_store.storefront.shopping import Shopping

_PLACES = frozenset({"home", "account", "page"})


def theme_of(state: State, shop: str) -> Document:
    """{"off": names of blocks that are not shown, "settings": {name: {setting: value}}}"""
    return state.get(shop, "theme", "main") or {"off": [], "settings": {}}


def save_theme(state: State, shop: str, theme: Document) -> None:
    """Keep what the merchant has changed in the theme editor."""
    state.put(shop, "theme", "main", theme)


def blocks_on(here: Shopping, extension: Extension, page: str, product: Document | None = None) -> dict[str, Markup]:
    """The HTML of a page's blocks by place: `head`, `body` (embeds) and `section` (app blocks)."""
    shop = here.shop["myshopify_domain"]
    theme = theme_of(here.state, shop)
    objects = page_objects(here, extension, page, product)
    html: dict[str, str] = {"head": "", "body": "", "section": ""}
    assets: dict[str, None] = {}
    for block in extension.blocks():
        if block.name in theme["off"] or not _is_shown(block, page) or not _is_available(block, objects):
            continue
        settings = block.settings(theme["settings"].get(block.name))
        html[block.target] += render_block(extension.folder, block, objects, settings, f"{block.name}-1")
        assets |= dict.fromkeys(_assets(block, objects["asset_root"]))
    html["head"] += "".join(assets)
    return {place: Markup(text) for place, text in html.items()}  # noqa: S704 - Liquid escapes, or a test says it does not


def _assets(block: Block, root: str) -> list[str]:
    """A block's own style sheet and script, which Shopify puts into the head of a page once."""
    style, script = block.schema.get("stylesheet"), block.schema.get("javascript")
    tags = [f'<link rel="stylesheet" href="{escape(root + style)}">'] if style else []
    return tags + ([f'<script src="{escape(root + script)}" defer></script>'] if script else [])


def _is_shown(block: Block, page: str) -> bool:
    """Embeds stand on every page; app blocks where their schema allows it, of those on the pages with a place."""
    if block.target != "section":
        return True
    templates = block.schema.get("enabled_on", {}).get("templates", ["*"])
    return page in _PLACES and ("*" in templates or page in templates or (page == "home" and "index" in templates))


def _is_available(block: Block, objects: dict[str, Any]) -> bool:
    """`available_if` names a metafield of the installation that must be true."""
    wanted = block.schema.get("available_if")
    if not wanted:
        return True
    found: Any = objects
    for part in wanted.strip("{} ").split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return bool(found.get("value") if isinstance(found, dict) else found)
