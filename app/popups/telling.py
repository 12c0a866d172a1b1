"""Passing a consent on to Shopify. No database here.

Every call may be repeated: the customer is named by the address, and a consent that Shopify has from a later time than
ours stands. So an answer that was lost harms nobody; the job runs again.
"""

from datetime import datetime
from typing import Any

from app.shopify.client import ShopifyClient
from app.shopify.errors import UserErrors


def tell(client: ShopifyClient, address: str, given_at: datetime) -> None:
    """Let Shopify know that mail to an address was agreed to. Raises ShopifyError; UserErrors when it refuses.

    Who was subscribed already stays as they are, and so does who said no later than `given_at`. Between our question
    and our word somebody may still unsubscribe: then Shopify holds both instants, and its own record shows which came
    last.
    """
    whole = given_at.replace(microsecond=0)
    identifier = {"identifier": {"emailAddress": address}}
    customer = client.execute("CustomerByIdentifier", identifier)["customerByIdentifier"]
    if customer and _stands(customer["defaultEmailAddress"], whole):
        return
    consent = {"marketingState": "SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN"}
    told = {
        "customerId": customer["id"] if customer else _make(client, address),
        "emailMarketingConsent": {**consent, "consentUpdatedAt": whole.isoformat()},
    }
    client.execute("CustomerEmailMarketingConsentUpdate", {"input": told})


def is_of_clocks(error: UserErrors) -> bool:
    """Whether Shopify's clock is only behind ours: the same is right a moment later."""
    return all("consentUpdatedAt" in (one.get("field") or ()) for one in error.errors)


def _stands(known: dict[str, Any] | None, given_at: datetime) -> bool:
    if known is None:
        return False
    if known["marketingState"] == "SUBSCRIBED":
        return True
    at = known["marketingUpdatedAt"]
    return known["marketingState"] == "UNSUBSCRIBED" and at is not None and datetime.fromisoformat(at) >= given_at


def _make(client: ShopifyClient, address: str) -> str:
    made = client.execute("CustomerSet", {"identifier": {"email": address}, "input": {"email": address}})
    return str(made["customerSet"]["customer"]["id"])
