"""How values look in answers: instants, money, and the sentences that tell a shopper why points changed."""

from datetime import UTC, datetime

from app.loyalty.wording import action_name, say
from app.money import to_decimal_string

# Keyed by LedgerEntry.reason; {order} becomes "order #1001", {action} "a review". A test looks for reasons of the
# program's source that have no words here.
_SENTENCES = {
    "order_earned": "Points for {order}",
    "order_corrected": "Points for {order}, after a change of the order or of what came before it",
    "order_refunded": "Points taken back for a refund on {order}",
    "order_cancelled": "Points taken back because {order} was cancelled",
    "order_deleted": "Points taken back because {order} was deleted",
    "order_moved": "Points of {order}, which now belongs to another account",
    "action_earned": "Points for {action}",
    "action_corrected": "Points for {action}, after a change of what came before it",
    "action_refused": "Points taken back because {action} does not count any more",
    "action_moved": "Points for {action}, which now belongs to another account",
    "referral_earned": "Points for a friend's first order",
    "referral_corrected": "Points for a friend's first order, after a change of it or of what came before it",
    "referral_reversed": "Points taken back because a friend's first order was cancelled or given back",
    "referral_refused": "Points taken back because the friend was not a new one",
    "referral_moved": "Points for a friend's first order, which now belongs to another account",
    "adjusted": "Points changed by the shop",
    "imported": "Points brought along from before",
    "spent_before_import": "Points brought along from before that were spent before",
    "import_undone": "Points brought along from before, taken out again by the shop",
    "redeemed": "Points exchanged for a reward",
    "returned": "Points returned from a reward that was not used",
    "spent_returned": "Points returned because an order paid with a reward was refunded",
    "expired": "Points expired",
    "expiry_taken_back": "Expired points that are gone for another reason now",
    "debt_forgiven": "Points owed that the shop has written off",
    "forgiveness_taken_back": "Points owed again that the shop had written off",
    "account_merged": "Points moved when two accounts became one",
}
REASONS = tuple(_SENTENCES)


def sentence(reason: str, order_name: str | None = None, action: str | None = None) -> str:
    """Why points changed, for the shopper. `action` is the kind of an action."""
    order = f"order {order_name}" if order_name else "an order"
    done = say(action_name(action)) if action else "something done"
    return _SENTENCES.get(reason, "Points changed").format(order=order, action=done)


def instant(value: datetime) -> str:
    """RFC 3339 in UTC with Z."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def instant_or_none(value: datetime | None) -> str | None:
    """The same for what has not happened yet."""
    return instant(value) if value is not None else None


def money(minor: int, currency: str) -> dict[str, str]:
    """An amount as a decimal string beside its currency."""
    return {"amount": to_decimal_string(minor, currency), "currency": currency}
