"""What is measured, named after what is promised. Sums over all processes of this home (`/metrics`, `app.health`).

Prometheus' client keeps shared values in files when PROMETHEUS_MULTIPROC_DIR is set before it is first imported; the
supervisor sets it for its children. Without it, as in tests, values stay in the process.
"""

from prometheus_client import Counter, Histogram

_ACK_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_POINTS_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)

webhook_ack_seconds = Histogram(
    "webhook_ack_seconds", "From reading a webhook to answering it, after it is durable.", buckets=_ACK_BUCKETS
)
webhooks_received = Counter("webhooks_received", "Webhooks by what became of them at the door.", ["outcome"])
webhooks_processed = Counter("webhooks_processed", "Inbox events by their end.", ["state"])
webhook_to_points_seconds = Histogram(
    "webhook_to_points_seconds", "From receiving a webhook to its points being committed.", buckets=_POINTS_BUCKETS
)
shopify_calls = Counter("shopify_calls", "Calls to Shopify by operation and outcome.", ["operation", "outcome"])
shopify_points = Counter("shopify_points", "Cost points that Shopify counted for our calls.", ["operation"])
shopify_throttled = Counter("shopify_throttled", "Calls that Shopify answered with THROTTLED.", ["operation"])
api_requests = Counter("api_requests", "Requests to the public API by status class.", ["status"])
