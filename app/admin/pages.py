"""How a page leaves the app: rendered, never cached, and framed by the admin of its own shop only.

Used by the admin and by the pages of OAuth. A page that belongs to no verified shop may not be framed at all.
"""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Response, current_app, make_response, render_template, url_for

from app import runtime
from app.config import Settings
from app.shopify.origin import ADMIN, is_shopify_itself

STATIC = Path(__file__).parent / "static"
APP_BRIDGE = "https://cdn.shopify.com/shopifycloud/app-bridge.js"


def app_bridge(settings: Settings) -> str:
    """Where the browser loads App Bridge from: Shopify's CDN, or the development store that stands in for Shopify."""
    if is_shopify_itself(settings):
        return APP_BRIDGE
    return f"{_origin_of_shopify(settings)}/_dev/app-bridge.js"


def any_admin(settings: Settings) -> str:
    """The origins of Shopify's admin, for the page without content that is shown before anybody is known."""
    return ADMIN if is_shopify_itself(settings) else f"{ADMIN} {_origin_of_shopify(settings)}"


def asset(name: str) -> str:
    """The address of a file of `static/`, with its digest: it may be kept for ever, and a new release is a new one."""
    path = STATIC / name
    digest = _digest(path, path.stat().st_mtime_ns) if path.is_file() else ""
    return url_for("admin.static", filename=name, v=digest)


@lru_cache
def _digest(path: Path, written: int) -> str:
    return sha256(path.read_bytes()).hexdigest()[:12]


def page(template: str, /, *, status: int = 200, ancestors: str = "'none'", **context: Any) -> Response:
    """Render a template. `ancestors` are the origins that may show it in a frame, from `origin.frame_ancestors`."""
    settings = runtime.of(current_app).settings
    known = {"app_bridge": app_bridge(settings), "api_key": settings.api_key, "asset": asset}
    response = make_response(render_template(template, **known, **context), status)
    response.headers["Content-Security-Policy"] = f"{_policy(settings)}; frame-ancestors {ancestors}"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"  # the address may hold an ID token
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def message(
    title: str,
    text: str,
    *,
    status: int = 200,
    ancestors: str = "'none'",
    link: tuple[str, str] | None = None,
) -> Response:
    """A page that says one thing; `link` is (address, words) of the one thing to do next, opened outside any frame."""
    return page("admin/message.html", status=status, ancestors=ancestors, title=title, text=text, link=link)


def _policy(settings: Settings) -> str:
    """Script, style and requests of our own and of App Bridge, nothing inline."""
    script = urlsplit(app_bridge(settings))
    bridge = f"{script.scheme}://{script.netloc}"
    return (
        f"default-src 'none'; script-src 'self' {bridge}; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self' {bridge}; frame-src 'self'; form-action 'self'; base-uri 'none'"
    )


def _origin_of_shopify(settings: Settings) -> str:
    parts = urlsplit(settings.shopify_origin)
    return f"{parts.scheme}://{parts.netloc}"
