"""Webhook subscriptions made through the API, a shop's own; Shopify never lists those of the TOML here.

They are kept and listed. Deliveries go by the TOML alone: no topic that only a shop's own subscription could have is
sent by this store.
"""

from typing import Any

from dev_store.graphql.connections import connection, count
from dev_store.graphql.context import Context
from dev_store.graphql.errors import user_error
from dev_store.graphql.gids import number_or_none
from dev_store.graphql.schema import mutation, query
from dev_store.state import Document

KIND = "webhook_subscription"
_PAGE = ("first", "last", "after", "before", "reverse")


@query("webhookSubscriptions")
def webhook_subscriptions(
    _source: Any, context: Context, topics: list[str] | None = None, uri: str | None = None, **arguments: Any
) -> dict[str, Any]:
    page = {name: value for name, value in arguments.items() if name in _PAGE}
    found = [one for one in context.state.all(context.shop, KIND) if not topics or one["topic"] in topics]
    return connection([one for one in found if uri in (None, one["uri"])], **page)


@query("webhookSubscriptionsCount")
def webhook_subscriptions_count(
    _source: Any, context: Context, limit: int | None = 10_000, **_more: Any
) -> dict[str, Any]:
    return count(context.state.count(context.shop, KIND), limit)


@mutation("webhookSubscriptionCreate")
def create(_source: Any, context: Context, topic: str, webhook_subscription: dict[str, Any]) -> dict[str, Any]:
    uri = webhook_subscription.get("uri") or webhook_subscription.get("callbackUrl")
    if not uri:
        return _refused(["webhookSubscription", "callbackUrl"], "Address can't be blank")
    if any((one["topic"], one["uri"]) == (topic, uri) for one in context.state.all(context.shop, KIND)):
        return _refused(["webhookSubscription", "callbackUrl"], "Address for this topic has already been taken")
    at = context.at.isoformat()
    number = context.state.next_id(context.shop, KIND)
    made: Document = {"id": number, "topic": topic, "uri": uri, "format": "JSON", "createdAt": at, "updatedAt": at}
    context.state.put(context.shop, KIND, number, made)
    return {"webhookSubscription": made, "userErrors": []}


@mutation("webhookSubscriptionDelete")
def delete(_source: Any, context: Context, id_: str) -> dict[str, Any]:
    number = number_or_none(id_, "WebhookSubscription")
    if number is None or context.state.get(context.shop, KIND, number) is None:
        return {"deletedWebhookSubscriptionId": None, "userErrors": [user_error(["id"], "Subscription not found")]}
    context.state.delete(context.shop, KIND, number)
    return {"deletedWebhookSubscriptionId": id_, "userErrors": []}


def _refused(field: list[str], words: str) -> dict[str, Any]:
    return {"webhookSubscription": None, "userErrors": [user_error(field, words)]}
