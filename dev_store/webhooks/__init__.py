"""Webhooks as Shopify sends them: `outbox`, persisted `queue`, `signing`, `sender`, and `delivery` that runs them."""
