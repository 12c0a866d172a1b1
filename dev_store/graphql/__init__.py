"""Admin GraphQL of the development store, executed against Shopify's published schema. `web` registers `blueprint`.

Importing the modules below fills the table of resolvers; a resolver for a field that does not exist stops it here.
"""

from dev_store.graphql import (
    bulk_operations,
    customers,
    discount_reads,
    discount_writes,
    installation,
    metafields,
    nodes,
    orders,
    products,
    redeem_codes,
    routes,
    shop,
    tags,
    webhook_subscriptions,
)
from dev_store.graphql.routes import blueprint

__all__ = [
    "blueprint", "bulk_operations", "customers", "discount_reads", "discount_writes", "installation", "metafields",
    "nodes", "orders", "products", "redeem_codes", "routes", "shop", "tags",
    "webhook_subscriptions",
]  # fmt: skip
