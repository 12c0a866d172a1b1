"""Renders a block of the extension: python-liquid with Shopify's tags and filters, strict about unknown ones."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from liquid import CachingFileSystemLoader, Environment

from dev_store.storefront.extension import Block
from dev_store.storefront.filters import add_filters
from dev_store.storefront.tags import add_tags


@lru_cache(maxsize=4)
def environment(folder: Path) -> Environment:
    """Liquid for one extension; `render` finds its snippets."""
    made = Environment(loader=CachingFileSystemLoader(folder / "snippets", ext=".liquid"))
    add_tags(made)
    add_filters(made)
    return made


def render_block(
    folder: Path, block: Block, objects: Mapping[str, Any], settings: dict[str, Any], block_id: str
) -> str:
    """The block's HTML, with its settings and the attributes by which the theme editor finds it."""
    scope = {"settings": settings, "id": block_id, "shopify_attributes": f'data-shopify-editor-block="{block_id}"'}
    template = environment(folder).from_string(block.source, name=f"blocks/{block.name}.liquid")
    return template.render(**objects, block=scope)
