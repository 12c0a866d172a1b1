"""Webhook subscriptions made through the API: none, since the app declares its topics in shopify.app.toml.

Shopify lists shop-scoped subscriptions only, never those of the TOML. Creating one is not served here, so the lists are
truly empty.
"""

from typing import Any

from dev_store.graphql.connections import connection, count
from dev_store.graphql.context import Context
from dev_store.graphql.schema import query

_PAGE = ("first", "last", "after", "before", "reverse")


@query("webhookSubscriptions")
def webhook_subscriptions(_source: Any, _context: Context, **arguments: Any) -> dict[str, Any]:
    return connection([], **{name: value for name, value in arguments.items() if name in _PAGE})


@query("webhookSubscriptionsCount")
def webhook_subscriptions_count(_source: Any, _context: Context, limit: int | None = 10_000, **_more: Any) -> Any:
    return count(0, limit)
