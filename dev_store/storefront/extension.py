"""The theme app extension on disk: its blocks with their schemas, its locales, where its assets are.

Read afresh whenever a file has changed, so that editing a block and reloading the page is enough.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_SCHEMA = re.compile(r"\{%-?\s*schema\s*-?%\}(.*?)\{%-?\s*endschema\s*-?%\}", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A file of `blocks/`. `target` is body, head (app embeds) or section (app blocks, placed in a page)."""

    name: str
    source: str
    schema: dict[str, Any]

    @property
    def target(self) -> str:
        return str(self.schema.get("target", "section"))

    def settings(self, chosen: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the merchant has chosen in the theme editor over the schema's defaults."""
        known = {
            setting["id"]: setting.get("default") for setting in self.schema.get("settings", []) if "id" in setting
        }
        return known | {key: value for key, value in (chosen or {}).items() if key in known}


@dataclass(frozen=True)
class Extension:
    """A folder with `blocks/ snippets/ assets/ locales/`."""

    folder: Path

    def blocks(self) -> list[Block]:
        """All blocks, by name."""
        return [_block(path, path.stat().st_mtime_ns) for path in sorted(self.folder.glob("blocks/*.liquid"))]

    def block(self, name: str) -> Block | None:
        """One block by the name of its file."""
        return next((block for block in self.blocks() if block.name == name), None)

    def texts(self, language: str) -> dict[str, Any]:
        """The storefront texts of a language; of the default language where there are none."""
        exact = self.folder / "locales" / f"{language}.json"
        path = exact if exact.is_file() else next(iter(sorted(self.folder.glob("locales/*.default.json"))), None)
        return _json(path, path.stat().st_mtime_ns) if path else {}

    def asset(self, name: str) -> Path | None:
        """An asset's file; None for what is not one."""
        path = self.folder / "assets" / name
        return path if path.parent == self.folder / "assets" and path.is_file() else None


@lru_cache(maxsize=64)
def _block(path: Path, changed: int) -> Block:
    source = path.read_text(encoding="utf-8")
    found = _SCHEMA.search(source)
    return Block(path.stem, source, json.loads(found.group(1)) if found else {})


@lru_cache(maxsize=64)
def _json(path: Path, changed: int) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
