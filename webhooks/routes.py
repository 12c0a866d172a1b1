"""The door: `POST /webhooks` for every topic. Verify, make durable, answer; everything else is the loop's work."""

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from app import metrics, runtime
from webhooks import headers
from webhooks.inbox import Inbox, Outcome
from webhooks.verification import verify

blueprint = Blueprint("webhooks", __name__)
EXTENSION = "perennial_inbox"
# Shopify's largest bodies are about 5 MB; nobody else may make us read more than this.
LARGEST_BODY = 8_000_000


@blueprint.post("/webhooks")
def receive() -> Response:
    """200 once the delivery is durable, 401 when it is not Shopify's, 503 when Shopify should send it again."""
    with metrics.webhook_ack_seconds.time():
        request.max_content_length = LARGEST_BODY
        try:
            raw = request.get_data()
        except RequestEntityTooLarge:
            return _answer(413, "too_large")
        secrets = runtime.of(current_app).settings.webhook_secrets
        if not verify(raw, request.headers.get(headers.SIGNATURE), secrets):
            return _answer(401, "forged")
        delivery = headers.read(request.headers, raw)
        if delivery is None:
            return _answer(200, "unattributable")
        try:
            outcome: Outcome = _inbox().put(delivery, raw)
        except Exception:
            # Whatever went wrong, nothing was promised: Shopify delivers again. The inbox has logged the cause.
            return _answer(503, "refused")
        return _answer(200, outcome.value)


def _inbox() -> Inbox:
    inbox = current_app.extensions[EXTENSION]
    assert isinstance(inbox, Inbox)
    return inbox


def _answer(status: int, outcome: str) -> Response:
    metrics.webhooks_received.labels(outcome).inc()
    return Response(status=status)
