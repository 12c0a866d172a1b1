"""The end of an installation. Called by the handler of `app/uninstalled`, within the inbox loop's transaction.

The tokens are dead already when the webhook arrives; nothing can be cleaned up at Shopify any more. What the shop's
customers hold stays until `shop/redact`, so that a reinstall finds it.
"""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app import clock
from app.shops.models import Shop


def uninstalled(session: Session, shop_id: int, triggered_at: datetime | None) -> bool:
    """Forget the tokens, unless the app was installed anew after `triggered_at`. True if this ended the installation.

    The webhook may come hours late, after a quick reinstall. Without an instant it counts as now.
    """
    ended = (
        update(Shop)
        .where(Shop.id == shop_id, Shop.state == "installed", Shop.installed_at <= (triggered_at or clock.now()))
        .values(
            state="uninstalled",
            uninstalled_at=clock.now(),
            access_token=None,
            access_expires_at=None,
            refresh_token=None,
            refresh_expires_at=None,
            refresh_lease_until=None,
        )
        .returning(Shop.id)
    )
    return session.execute(ended).first() is not None
