"""How values look in answers: instants, money, and the sentences that tell a shopper why points changed."""

from datetime import UTC, datetime

from app.money import to_decimal_string

# Keyed by LedgerEntry.reason; {order} becomes "order #1001". A test holds the keys against what the ledger writes.
_SENTENCES = {
    "order_earned": "Points for {order}",
    "order_corrected": "Points for {order}, after a change of the order",
    "order_refunded": "Points taken back for a refund on {order}",
    "order_cancelled": "Points taken back because {order} was cancelled",
    "order_deleted": "Points taken back because {order} was deleted",
    "order_moved": "Points of {order}, which now belongs to another account",
    "adjusted": "Points changed by the shop",
    "redeemed": "Points exchanged for a reward",
    "returned": "Points returned from a reward that was not used",
    "account_merged": "Points moved when two accounts became one",
}
REASONS = tuple(_SENTENCES)


def sentence(reason: str, order_name: str | None) -> str:
    """Why points changed, for the shopper."""
    order = f"order {order_name}" if order_name else "an order"
    return _SENTENCES.get(reason, "Points changed").format(order=order)


def instant(value: datetime) -> str:
    """RFC 3339 in UTC with Z."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def instant_or_none(value: datetime | None) -> str | None:
    """The same for what has not happened yet."""
    return instant(value) if value is not None else None


def money(minor: int, currency: str) -> dict[str, str]:
    """An amount as a decimal string beside its currency."""
    return {"amount": to_decimal_string(minor, currency), "currency": currency}
