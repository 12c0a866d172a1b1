"""Webhook subscriptions of a shop of its own: looked at with every reconciliation, and made again where they are gone.

Shopify removes those that were made through the API after eight failures in a row, and tells nobody; topics of
`shopify.app.toml` stay (shopify-platform 2.2). So everything that a TOML can name stands there, and `PER_SHOP` holds
what it cannot: at present nothing that is listened to.
"""

import structlog

from app.shopify.client import ShopifyClient
from app.shopify.errors import UserErrors

log = structlog.get_logger()

# Names as in Shopify's WebhookSubscriptionTopic, such as CUSTOMER_JOINED_SEGMENT.
PER_SHOP: tuple[str, ...] = ()


def restore(client: ShopifyClient) -> int:
    """Make the subscriptions that are not there; returns how many. Raises ShopifyError."""
    if not PER_SHOP:
        return 0
    address = f"{client.runtime.settings.app_url}/webhooks"
    missing = [topic for topic in PER_SHOP if topic not in _held(client, address)]
    for topic in missing:
        try:
            client.execute("WebhookSubscriptionCreate", {"topic": topic, "uri": address})
        except UserErrors:
            if topic not in _held(client, address):  # else another runner was quicker
                raise
        log.warning("webhook subscription made again", shop=client.shop_id, topic=topic)
    return len(missing)


def _held(client: ShopifyClient, address: str) -> set[str]:
    nodes = client.execute("WebhookSubscriptions")["webhookSubscriptions"]["nodes"]
    return {node["topic"] for node in nodes if node["uri"] == address}
