"""Why points changed, in words for the shop's staff, in their language. Called by the member's page.

Every reason that the ledger's sources write has its sentence here; a test looks for reasons that have none.
"""

from collections.abc import Mapping

from app.admin.program.saying import say
from app.admin.texts import gettext as _
from app.admin.texts import lazy_gettext as _l
from app.loyalty.models import LedgerEntry
from app.loyalty.wording import action_name

_SENTENCES = {
    "order_earned": _l("Points for %(what)s"),
    "order_corrected": _l("%(what)s: corrected after a change of it or of what came before it"),
    "order_refunded": _l("Taken back for a refund on %(what)s"),
    "order_cancelled": _l("Taken back because %(what)s was cancelled"),
    "order_deleted": _l("Taken back because %(what)s was deleted"),
    "order_moved": _l("%(what)s now belongs to another account"),
    "action_earned": _l("Points for %(what)s"),
    "action_corrected": _l("%(what)s: corrected after a change of it or of what came before it"),
    "action_refused": _l("Taken back because %(what)s does not count any more"),
    "action_moved": _l("%(what)s now belongs to another account"),
    "adjusted": _l("Changed by hand"),
    "imported": _l("Brought along by an import"),
    "spent_before_import": _l("Spent before the import"),
    "import_undone": _l("Import undone"),
    "redeemed": _l("Exchanged for a reward"),
    "returned": _l("Returned: the reward was not used"),
    "spent_returned": _l("Returned: the order that was paid with the reward was refunded"),
    "expired": _l("Expired"),
    "expiry_taken_back": _l("Had expired; are gone for another reason now"),
    "debt_forgiven": _l("A debt that was written off"),
    "forgiveness_taken_back": _l("A debt that had been written off is owed again"),
    "account_merged": _l("Moved when two accounts became one"),
    "referral_friend": _l("Welcome of a friend who was invited"),
    "referral_earned": _l("A friend who was invited has bought"),
}
REASONS = frozenset(_SENTENCES)


# What else points come from: those of orders and actions are named by what was done.
_SOURCES = {
    "adjustment": _l("Given by hand"),
    "import": _l("Brought along by an import"),
    "forgiven": _l("A debt that was written off"),
    "moved": _l("An account that became part of this one"),
    "referral": _l("A referral"),
}
ORDER_STATES = {
    "paid": _l("Paid"),
    "pending": _l("Payment pending"),
    "authorized": _l("Payment promised"),
    "partially_paid": _l("Paid in part"),
    "partially_refunded": _l("Refunded in part"),
    "refunded": _l("Refunded"),
    "voided": _l("Voided"),
    "cancelled": _l("Cancelled"),
    "deleted": _l("Deleted"),
    "test": _l("Test"),
    "unknown": _l("Unknown"),
}
REFERRAL_STATES = {
    "waiting": _l("Waiting"),
    "rewarded": _l("Rewarded"),
    "reversed": _l("Taken back"),
    "refused": _l("Not rewarded"),
}
# States of codes, of rewards and of popups.
CODE_STATES = {
    "planned": _l("Being made"),
    "issued": _l("Not used yet"),
    "used": _l("Used"),
    "revoking": _l("Being withdrawn"),
    "revoked": _l("Withdrawn"),
    "failed": _l("Refused by Shopify"),
    "given": _l("Given out"),
}


def reason(entry: LedgerEntry, orders: Mapping[int, str]) -> str:
    """Why this entry was written; `orders` are names by id."""
    sentence = _SENTENCES.get(entry.reason)
    if sentence is None:
        return entry.reason
    return str(sentence) % {"what": source(entry.source_kind, entry.source_id, orders)}


def source(kind: str, key: str, orders: Mapping[int, str]) -> str:
    """What points come from; a kind without words is shown as it is."""
    if kind == "order":
        return _("order %(name)s", name=orders.get(int(key), key))
    if kind == "action":
        return say(action_name(key.partition(":")[0]))
    return str(_SOURCES.get(kind, kind))
