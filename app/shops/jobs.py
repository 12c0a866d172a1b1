"""Periodic care for installations that nobody uses."""

from datetime import timedelta

import structlog

from app import clock
from app.jobs import job
from app.runtime import Runtime
from app.shopify.errors import ShopifyError
from app.shops import queries, tokens

log = structlog.get_logger()

# Refresh tokens live 90 days and are renewed by every refresh, which a shop without traffic never needs by itself.
REMAINING = timedelta(days=60)


@job("shops.keep_tokens", queue="shopify", cron="17 3 * * * 0")
def keep_tokens(runtime: Runtime) -> None:
    """Once a day: refresh dormant shops' tokens, so that a quiet month does not cut them off (shopify-platform 1.3)."""
    with runtime.database.system() as session:
        due = queries.refreshable_before(session, clock.wall_now() + REMAINING)
    for shop_id in due:
        try:
            tokens.access(runtime, shop_id)
        except ShopifyError as error:
            log.warning("tokens not renewed", shop=shop_id, reason=str(error))
