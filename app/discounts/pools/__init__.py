"""Pools: codes of one discount, made at Shopify ahead of time, so that a visitor is handed one without a wait."""
