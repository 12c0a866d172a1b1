"""Who hears what became of a code: one table from a code's purpose to the feature that wanted it.

Called by `settling` and `use` with the code's row locked. Here the import arrow turns round: features plan codes
through `service`, and nothing in them imports this module.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from app.discounts.models import DiscountCode
from app.loyalty import redemption_outcomes
from app.loyalty.redemption_points import PURPOSE


class Owner(Protocol):
    """What a feature that wants codes has to answer to. Every function tolerates being called twice."""

    def lock_balance(self, session: Session, shop_id: int, intent_id: str, /) -> None:
        """Lock whatever comes before the code in the order of locks."""

    def issued(self, session: Session, shop_id: int, intent_id: str, /) -> None:
        """The code works."""

    def failed(self, session: Session, shop_id: int, intent_id: str, reason: str, /) -> None:
        """There will be no code."""

    def ended(self, session: Session, intent_ids: Iterable[tuple[int, str]], /) -> None:
        """The time of these codes (shop, intent) is over; they are being withdrawn."""

    def revoked(self, session: Session, shop_id: int, intent_id: str, /) -> None:
        """The code was withdrawn unused."""

    def kept(self, session: Session, shop_id: int, intent_id: str, reason: str, /) -> None:
        """The code could not be withdrawn."""

    def used(self, session: Session, shop_id: int, intent_ids: Iterable[str], at: datetime, /) -> None:
        """The codes were used."""


OWNERS: dict[str, Owner] = {PURPOSE: redemption_outcomes}


def owner(row: DiscountCode) -> Owner:
    """The feature that a code was made for."""
    return OWNERS[row.purpose]
