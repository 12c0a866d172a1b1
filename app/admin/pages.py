"""How a page leaves the app: rendered, never cached, and framed by the admin of its own shop only.

Used by the app home and by the pages of OAuth. A page that belongs to no verified shop may not be framed at all.
"""

from typing import Any

from flask import Response, make_response, render_template

_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'"


def page(template: str, *, status: int = 200, ancestors: str = "'none'", **context: Any) -> Response:
    """Render a template. `ancestors` are the origins that may show it in a frame, from `origin.frame_ancestors`."""
    response = make_response(render_template(template, **context), status)
    response.headers["Content-Security-Policy"] = f"{_POLICY}; frame-ancestors {ancestors}"
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
