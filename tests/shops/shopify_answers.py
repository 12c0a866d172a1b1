"""What Shopify answers while a shop is being installed."""

from typing import Any

import responses

GRAPHQL = "https://demo.myshopify.com/admin/api/2026-10/graphql.json"
TOKENS = "https://demo.myshopify.com/admin/oauth/access_token"
SCOPES = "write_customers,read_orders,read_products,write_discounts,write_app_proxy,read_customer_merge"
GRANTED: dict[str, Any] = {
    "access_token": "shpat_granted",
    "scope": SCOPES,
    "expires_in": 3600,
    "refresh_token": "shprt_granted",
    "refresh_token_expires_in": 7776000,
}
SHOP_INFO: dict[str, Any] = {
    "data": {
        "shop": {
            "id": "gid://shopify/Shop/5000000000001",
            "name": "Demo",
            "email": "owner@example.com",
            "currencyCode": "EUR",
            "ianaTimezone": "Europe/Berlin",
            "plan": {"publicDisplayName": "Basic"},
            "shopAddress": {"countryCodeV2": "DE"},
        }
    }
}


def grant(wire: responses.RequestsMock, **changes: Any) -> None:
    """The token endpoint grants, and the shop says who it is."""
    wire.post(TOKENS, json={**GRANTED, **changes})
    wire.post(GRAPHQL, json=SHOP_INFO)
