"""Programs and their immutable rule versions, the ledger, lots, rewards and redemptions.

What must stay true, and `perennial ledger verify` proves: for each account, the sum of entries = the balance = what
remains in lots less what is owed; for each source, its entries sum to its target; for each lot, granted = remaining +
uses. `perennial_web` may insert entries but neither change nor delete them (first migration).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Program(Base):
    """A points program. Orders and actions count whose business time is in [earns_from, ends_at); null is open.

    Orders that came by an import count only once the merchant has chosen (`history_chosen_at`) from when on.
    """

    __tablename__ = "programs"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    earns_from: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    history_chosen_at: Mapped[datetime | None]
    history_from: Mapped[datetime | None]
    # After a refund of spent points an account owes. Whether that is written off, and reported, or stays.
    forgives_debts: Mapped[bool] = mapped_column(default=False, server_default="false")
    # Whether the points of a reward come back in proportion when the order that used it is refunded, and how many days
    # returned points live at least.
    returns_spent: Mapped[bool] = mapped_column(default=True, server_default="true")
    return_days: Mapped[int] = mapped_column(default=30, server_default="30")
    # How many days before points expire that is told; each distance once.
    notice_days: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), default=lambda: [30, 7], server_default=text("'{30,7}'")
    )


class RuleVersion(Base):
    """The rules of a program from an instant of business time on; never changed once written."""

    __tablename__ = "rule_versions"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # Null: since the beginning of history.
    in_force_from: Mapped[datetime | None]
    rules: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]


class LedgerEntry(Base):
    """A change of points, for good. Corrected only by further entries of the same source."""

    __tablename__ = "ledger_entries"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    program_id: Mapped[int]
    account_id: Mapped[int]
    # order | action | adjustment | import | redemption | expiry | forgiven | moved | moved_spending, and the key of it
    source_kind: Mapped[str]
    source_id: Mapped[str]
    points: Mapped[int]
    # Why, as a key of the shopper's texts: order_earned, redeemed, adjusted, account_merged ...
    reason: Mapped[str]
    rule_version: Mapped[int | None]
    # When it counts in the business, and when it was written.
    business_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    # Who did it, where a person or a key did: key:4, staff:81
    actor: Mapped[str | None]
    # Of the salt and text of its note, which may be erased while this stays.
    note_digest: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint("points <> 0", name="points"),
        Index("ledger_entries_account_ix", "shop_id", "account_id", "id"),
        Index("ledger_entries_source_ix", "shop_id", "program_id", "account_id", "source_kind", "source_id"),
    )


class Action(Base):
    """Something an account did that may earn points: a review, a birthday. The fold says what it is worth."""

    __tablename__ = "actions"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    # Made by whoever reports it; the same action reported twice is one.
    key: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    business_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor: Mapped[str | None]

    __table_args__ = (Index("actions_account_ix", "shop_id", "account_id"),)


class ProductLabel(Base):
    """A tag or collection of a product in [since, until): `tag:summer`, `collection:2`.

    What was known first holds since ever, so that an order gets the same points however late its products are read.
    """

    __tablename__ = "product_labels"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime]


class LedgerNote(Base):
    """Free text beside an entry. It may name a person, so it can be erased while the entry stays."""

    __tablename__ = "ledger_notes"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    note: Mapped[str]
    # Without it nobody can try out texts against the digest of an erased note.
    salt: Mapped[bytes] = mapped_column(LargeBinary)


class Balance(Base):
    """One row per account and program: the sum of its entries, and the row that a change of points locks."""

    __tablename__ = "balances"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    points: Mapped[int]
    # Earned less taken back; redemptions do not lower it.
    lifetime: Mapped[int]
    # When the account will have been idle for too long, and lots without an end of their own are over
    # (`app.loyalty.idleness`). Null: the rules of its last activity know no such end, or that was posted.
    idle_at: Mapped[datetime | None]

    __table_args__ = (
        Index("balances_idle_ix", "shop_id", "program_id", "idle_at", postgresql_where=text("idle_at is not null")),
    )


class Lot(Base):
    """Points of one source that can be spent: granted by its entries, remaining after its uses."""

    __tablename__ = "lots"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    program_id: Mapped[int]
    account_id: Mapped[int]
    source_kind: Mapped[str]
    source_id: Mapped[str]
    granted: Mapped[int]
    remaining: Mapped[int]
    available_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("shop_id", "program_id", "account_id", "source_kind", "source_id", name="lots_source_key"),
        Index("lots_open_ix", "shop_id", "program_id", "account_id", postgresql_where=text("remaining > 0")),
        CheckConstraint("remaining between 0 and granted", name="remaining"),
        Index(
            "lots_due_ix",
            "shop_id",
            "program_id",
            "expires_at",
            postgresql_where=text("remaining > 0 and expires_at is not null"),
        ),
    )


class LotUse(Base):
    """How much of a lot a spending source holds now. Lot 0 is what no lot covers: points the account owes."""

    __tablename__ = "lot_uses"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source_kind: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    lot_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    points: Mapped[int]

    __table_args__ = (
        CheckConstraint("points > 0", name="points"),
        Index("lot_uses_lot_ix", "shop_id", "lot_id"),
        Index("lot_uses_owed_ix", "shop_id", "program_id", "account_id", postgresql_where=text("lot_id = 0")),
    )


class LoyaltyEvent(Base):
    """Something to tell a customer, later: points that will expire. Written once for each lot, end and distance.

    `subject` is the lot's source (`order:1`) or `idle` for all that ends with the account's idleness; `points` is what
    there was when this was written. Who tells it asks `standing.coming_expiries` whether that is still so.
    """

    __tablename__ = "loyalty_events"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    program_id: Mapped[int]
    account_id: Mapped[int]
    kind: Mapped[str]
    subject: Mapped[str]
    due_at: Mapped[datetime]
    days: Mapped[int]
    points: Mapped[int]
    recorded_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint(
            "shop_id", "program_id", "account_id", "kind", "subject", "due_at", "days", name="loyalty_events_once_key"
        ),
    )


class Reward(Base):
    """What points buy: `kind` amount_off takes `value_minor` off an order."""

    __tablename__ = "rewards"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    program_id: Mapped[int]
    title: Mapped[str]
    kind: Mapped[str]
    points: Mapped[int]
    value_minor: Mapped[int]
    currency: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    # How many whole days a code works; unused then, it is withdrawn and its points return. Null: for ever.
    code_days: Mapped[int | None]

    __table_args__ = (CheckConstraint("points > 0", name="points"),)


class Redemption(Base):
    """An exchange of points for a reward, from the hold to its end. The id is the caller's, made before the first try.

    held -> issued -> used, issued -> cancelling -> cancelled, or held -> failed (`app.loyalty.redemption` has the whole
    table). Points are back in `failed` and `cancelled`.
    """

    __tablename__ = "redemptions"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    program_id: Mapped[int]
    account_id: Mapped[int]
    reward_id: Mapped[int]
    points: Mapped[int]
    # The code is derived from the id and stored before Shopify is called (design section 4).
    code: Mapped[str]
    state: Mapped[str]
    failure: Mapped[str | None]
    actor: Mapped[str | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    # Until when the code can be used; null: for ever.
    expires_at: Mapped[datetime | None]
    # Whether points return when the order that used it is refunded: the program's setting on the day of the redemption.
    returnable: Mapped[bool] = mapped_column(default=True, server_default="true")
    # How many have so far, 0 unless it was used. Its entries sum to 0 in `failed` and `cancelled`, else to
    # returned - points.
    returned: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        UniqueConstraint("shop_id", "code", name="redemptions_code_key"),
        Index("redemptions_account_ix", "shop_id", "account_id"),
    )
