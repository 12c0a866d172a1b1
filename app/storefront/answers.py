"""Answers of the storefront's door: small JSON that no one may store, never a page. `{"error": kind}` is a refusal.

Whatever goes wrong, a visitor of the shop sees the theme's own words.
"""

from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.errors import Problem

log = structlog.get_logger()

_HEADERS = (
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
)
WITHOUT_DATABASE = (OperationalError, InterfaceError, PoolTimeout)


class Said(NamedTuple):
    """A whole answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def said(document: dict[str, Any], status: int = HTTPStatus.OK) -> Said:
    """An answer with this document."""
    body = orjson.dumps(document)
    return Said(status, [*_HEADERS, ("content-length", str(len(body)))], body)


def refused(error: Exception) -> Said:
    """The answer to somebody whose request ended with this; what is our fault is in the log."""
    if isinstance(error, Problem):
        answer = said({"error": error.kind}, error.status)
        if "retry_after" in error.extra:
            answer.headers.append(("retry-after", str(error.extra["retry_after"])))
        return answer
    if isinstance(error, WITHOUT_DATABASE):
        log.warning("storefront without database", error=type(error).__name__)
        return said({"error": "unavailable"}, HTTPStatus.SERVICE_UNAVAILABLE)
    log.error("storefront request failed", error=type(error).__name__, exc_info=error)
    return said({"error": "internal-error"}, HTTPStatus.INTERNAL_SERVER_ERROR)
