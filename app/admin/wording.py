"""Refusals of services in the reader's language. Their own words, in English, are the last resort.

Kinds are stable (`app.errors`); a kind that is not listed here says its own sentence, through the catalogue where that
has it.
"""

from app.admin.texts import gettext
from app.admin.texts import lazy_gettext as _
from app.errors import Problem

_KINDS = {
    "not-found": _("There is nothing of that name in this shop. It may have been removed."),
    "idempotency-key-reused": _("This form was saved before with other values. Look at the page, then save again."),
    "earlier-awards": _("Points were earned already, and this would change what was earned. Choose a time to come."),
    "past-version": _("Rules cannot hold from a time in the past on: what was earned stays."),
    "version-order": _("New rules have to begin later than the newest that there are."),
    "program-times": _("The program has to end later than it begins."),
    "reward-value": _("A reward has to take something off."),
    "history-chosen": _("Points were given already by the choice that was made before."),
    "future-instant": _("This time lies ahead. Choose one that has passed."),
    "set-up-incomplete": _("Answer the earlier questions of the set-up first."),
    "empty-period": _("The period has to end later than it begins."),
}


def in_words(problem: Problem) -> str:
    """What a refusal means, for the merchant."""
    known = _KINDS.get(problem.kind)
    return str(known) if known else gettext(problem.detail)
