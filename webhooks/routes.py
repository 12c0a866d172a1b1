"""The door: `POST /webhooks` for every topic. Verify, make durable, answer; everything else is the loop's work.

It stands in front of Flask as WSGI, because a flash sale knocks a thousand times a second and Flask's own machinery
(contexts, routing, hooks) costs as much as all that is done here.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from app import metrics, runtime
from webhooks import headers
from webhooks.inbox import Inbox
from webhooks.verification import verify

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATH = "/webhooks"
EXTENSION = "perennial_inbox"
# Shopify's largest bodies are about 5 MB; nobody else may make us read more than this.
LARGEST_BODY = 8_000_000


class Door:
    """WSGI middleware that answers deliveries itself and hands every other request on."""

    def __init__(self, flask_app: Flask) -> None:
        self._inner = flask_app.wsgi_app
        self._extensions = flask_app.extensions
        self._secrets = runtime.of(flask_app).settings.webhook_secrets

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a delivery, or let Flask answer."""
        if environ.get("PATH_INFO") != PATH or environ["REQUEST_METHOD"] != "POST":
            return self._inner(environ, start_response)
        with metrics.webhook_ack_seconds.time():
            status, outcome = self._receive(environ)
        metrics.webhooks_received.labels(outcome).inc()
        start_response(f"{status.value} {status.phrase}", [("Content-Length", "0")])
        return [b""]

    def _receive(self, environ: "WSGIEnvironment") -> tuple[HTTPStatus, str]:
        """200 once the delivery is durable, 401 when it is not Shopify's, 503 when Shopify should send it again."""
        raw = _body(environ)
        if raw is None:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"
        told = EnvironHeaders(environ)
        if not verify(raw, told.get(headers.SIGNATURE), self._secrets):
            return HTTPStatus.UNAUTHORIZED, "forged"
        delivery = headers.read(told, raw)
        if delivery is None:
            return HTTPStatus.OK, "unattributable"
        try:
            outcome = self._inbox.put(delivery, raw)
        except Exception:
            # Whatever went wrong, nothing was promised: Shopify delivers again. The inbox has logged the cause.
            return HTTPStatus.SERVICE_UNAVAILABLE, "refused"
        return HTTPStatus.OK, outcome.value

    @property
    def _inbox(self) -> Inbox:
        inbox = self._extensions[EXTENSION]
        assert isinstance(inbox, Inbox)
        return inbox


def _body(environ: "WSGIEnvironment") -> bytes | None:
    """The raw body; None when it is larger than anything Shopify sends."""
    try:
        # One byte more, because a body without a stated length is cut at the limit without a word.
        raw = get_input_stream(environ, max_content_length=LARGEST_BODY + 1).read()
    except RequestEntityTooLarge:
        return None
    return raw if len(raw) <= LARGEST_BODY else None
