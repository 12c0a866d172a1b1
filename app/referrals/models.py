"""Codes of members, and orders that somebody was brought for.

Nothing here tells who somebody is: codes are random, people are accounts, a refusal says only what was the same.
"""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.popups.models import SignUp


class ReferralCode(Base):
    """The code of an account's link, `/?ref=CODE`. It stays with the account that got it, whatever takes that over."""

    __tablename__ = "referral_codes"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("shop_id", "account_id", name="referral_codes_account_key"),)


class Referral(Base):
    """An order that came through a member's code. The friend is whoever has the order (`orders.account_id`).

    A function of the projections, decided anew whenever they change (`app.referrals.following`); what it is worth
    follows in the fold. Levels and limits of later issues read these rows: an advocate's are found along their index.
    """

    __tablename__ = "referrals"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # Whose code it was: that account itself, which another one may have taken over since.
    advocate_account_id: Mapped[int]
    code: Mapped[str]
    # code: given with the link, used on the order | attribute: of the cart | landing: page | journey: as Shopify saw it
    matched_by: Mapped[str]
    # Why nobody is rewarded (app.referrals.judging); null: it counts.
    refused: Mapped[str | None]
    noted_at: Mapped[datetime]

    __table_args__ = (Index("referrals_advocate_ix", "shop_id", "advocate_account_id", "order_id"),)


# From a code on an order to the link through which it was given.
Index(
    "sign_ups_invited_ix",
    SignUp.shop_id,
    SignUp.code,
    postgresql_where=text("ref is not null and code is not null"),
)
