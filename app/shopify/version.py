"""The one version of Shopify's Admin API that Perennial speaks: GraphQL address, webhooks and extensions agree with it.

A test compares it with shopify.app.toml and validates every operation against the published schema of this version.
"""

API_VERSION = "2026-10"
