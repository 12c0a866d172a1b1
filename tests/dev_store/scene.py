"""Names the tests of the development store share: the shop, the instant, the types of their fixtures."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from dev_store.commerce import Commerce
from dev_store.config import Config

SHOP = "tea.myshopify.com"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TOPICS = (
    "app/uninstalled",
    "bulk_operations/finish",
    "collections/create",
    "collections/delete",
    "collections/update",
    "customer.tags_added",
    "customer.tags_removed",
    "customers/create",
    "customers/data_request",
    "customers/delete",
    "customers/merge",
    "customers/redact",
    "customers/update",
    "customers_email_marketing_consent/update",
    "customers_marketing_consent/update",
    "orders/cancelled",
    "orders/create",
    "orders/delete",
    "orders/edited",
    "orders/paid",
    "orders/updated",
    "products/create",
    "products/delete",
    "products/update",
    "refunds/create",
    "shop/redact",
)

MakeShop = Callable[..., Commerce]
Sent = Callable[[], list[tuple[str, dict[str, Any]]]]
MakeConfig = Callable[..., Config]
