"""The extension holds what Shopify demands and what we promise to merchants' themes: rules, sizes, languages."""

import gzip
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from app.shopify.version import API_VERSION
from dev_store.storefront.extension import Extension
from tools.fetch_npm import NODE
from tools.terminal import ROOT

FOLDER = ROOT / "storefront_snippets"
ALLOWED = {"assets", "blocks", "locales", "snippets"}
LANGUAGES = {"en", "de", "ja", "tr"}
KIB = 1024


def test_theme_check_finds_nothing() -> None:
    script = ROOT / "tools" / "node" / "theme_check.mjs"
    checked = subprocess.run(
        ["node", script, FOLDER, NODE / "node_modules"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (checked.stdout, checked.returncode) == ("", 0), checked.stderr


def test_the_folder_itself_is_the_extension_that_the_app_declares() -> None:
    declared = tomllib.loads((ROOT / "shopify.app.toml").read_text())
    assert declared["extension_directories"] == ["storefront_snippets"]
    extension = tomllib.loads((FOLDER / "shopify.extension.toml").read_text())
    assert extension["api_version"] == API_VERSION
    assert [entry["type"] for entry in extension["extensions"]] == ["theme"]
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith(("__", "."))}
    assert folders <= ALLOWED


@pytest.mark.parametrize(
    ("asset", "most"),
    [
        ("perennial.js", 6 * KIB),
        ("perennial-dialog.js", 6 * KIB),
        ("perennial-copy.js", KIB),
        ("perennial.css", 2 * KIB),
    ],
)
def test_scripts_and_styles_stay_small(asset: str, most: int) -> None:
    assert len(gzip.compress((FOLDER / "assets" / asset).read_bytes(), 9)) <= most


def test_liquid_and_locales_stay_within_shopifys_limits() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("**/*.liquid")) < 100_000
    assert all(path.stat().st_size < 15_000 for path in FOLDER.glob("locales/*.json"))


def leaves(texts: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in texts.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


@pytest.mark.parametrize("kind", ["", ".schema"])
def test_every_language_says_everything_with_the_same_gaps_to_fill(kind: str) -> None:
    files = {path.name.split(".")[0]: path for path in FOLDER.glob(f"locales/*{kind}.json") if _is(path.name, kind)}
    assert files.keys() == LANGUAGES
    texts = {language: dict(leaves(json.loads(path.read_text()))) for language, path in files.items()}
    for language in LANGUAGES:
        assert texts[language].keys() == texts["en"].keys()
        for key, text in texts[language].items():
            assert text.strip()
            assert set(re.findall(r"\{\{ (\w+) \}\}", text)) == set(re.findall(r"\{\{ (\w+) \}\}", texts["en"][key]))


def _is(name: str, kind: str) -> bool:
    return (".schema." in name) == bool(kind)


def test_blocks_have_names_that_the_editor_can_show_and_targets_that_exist() -> None:
    names = json.loads((FOLDER / "locales" / "en.default.schema.json").read_text())
    for block in Extension(FOLDER).blocks():
        section, key = block.schema["name"].removeprefix("t:").split(".")
        assert len(names[section][key]) <= 25
        assert block.target in {"body", "section"}


def test_scripts_put_in_no_markup_and_reach_nothing_but_the_shop() -> None:
    for path in FOLDER.glob("assets/*.js"):
        source = path.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", source)
        assert not re.search(r"https?://", source)
