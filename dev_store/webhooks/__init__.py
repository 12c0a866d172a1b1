"""Webhooks as Shopify sends them: bodies (`payloads`), envelope (`outbox`), persisted queue and senders (`delivery`)."""
