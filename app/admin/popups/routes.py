"""The stage of the preview: a page without anything of a shop, on which the storefront's own script shows a popup.

It stands in frames of the editor, which sends it what was typed (`postMessage`, same origin only). Nothing here needs
an ID token: the page is the same for everybody, and asks nothing of anybody.
"""

import json
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import NotFound

from app import runtime
from app.admin.pages import any_admin, page

EXTENSION = Path(__file__).resolve().parents[3] / "storefront_snippets"
blueprint = Blueprint("popup_preview", __name__)
_SCRIPT, _STYLE = "text/javascript", "text/css"
_ASSETS = {"perennial.js": _SCRIPT, "perennial-dialog.js": _SCRIPT, "perennial.css": _STYLE}


@blueprint.get("/popup-preview")
def stage() -> Response:
    """An empty shop page, in the language that the popup is to speak."""
    language = request.args.get("language", "en")
    ancestors = f"'self' {any_admin(runtime.of(current_app).settings)}"
    words = json.dumps(_words(language if language.isalpha() else "en")).replace("<", "\\u003c")
    return page("admin/popup_stage.html", ancestors=ancestors, words=words, language=language)


@blueprint.get("/popup-preview/<name>")
def asset(name: str) -> Response:
    """A file of the theme extension, as shoppers load it."""
    if name not in _ASSETS:
        raise NotFound
    response = Response((EXTENSION / "assets" / name).read_bytes(), content_type=f"{_ASSETS[name]}; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response


@cache
def _words(language: str) -> dict[str, str]:
    """The extension's own words in the popup; English where it does not speak a language."""
    for name in (f"{language[:3]}.json", "en.default.json"):
        path = EXTENSION / "locales" / name
        if path.is_file():
            return dict(json.loads(path.read_text("utf-8"))["popup"])
    raise FileNotFoundError(EXTENSION / "locales")
