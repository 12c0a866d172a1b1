"""The first line of a CSV file: which separator it uses, and which column means what.

Words are compared in lower case, with anything but letters and digits as one underscore. Known are the words of our
own documentation and those that other programs export (Smile.io and LoyaltyLion: `email` and `points`); any other word
can be named by the caller.
"""

import csv
import re
from collections.abc import Mapping

from app.transfer.errors import FileRefused, RowError

SEPARATORS = (",", ";", "\t")
WORDS = {
    "email": ("email", "e_mail", "email_address", "customer_email", "mail"),
    "customer_id": ("customer_id", "shopify_customer_id", "shopify_id"),
    "points": ("points", "points_balance", "point_balance", "balance", "points_approved", "approved_points"),
    "earned_at": ("earned_at", "earned_on", "points_earned_at"),
    "expires_at": ("expires_at", "expires_on", "expiry_date", "expiration_date", "points_expire_at", "points_expiry"),
    "lifetime": ("lifetime", "lifetime_points", "total_points_earned", "points_earned"),
    "note": ("note", "notes", "comment", "reason"),
}
_NO_WORD = re.compile(r"[^a-z0-9]+")


def separator(line: str) -> str:
    """The separator of a header: the one that gives the most cells."""
    return max(SEPARATORS, key=lambda mark: len(next(csv.reader([line], delimiter=mark), [])))


def columns(header: list[str], named: Mapping[str, str]) -> dict[str, int]:
    """Where each meaning stands; `named` gives the header's own word for a meaning. Raises FileRefused."""
    places: dict[str, list[int]] = {}
    for meaning, words in WORDS.items():
        wanted = {_word(named[meaning])} if meaning in named else set(words)
        places[meaning] = [place for place, word in enumerate(header) if _word(word) in wanted]
    errors = [_missing(meaning, word) for meaning, word in named.items() if not places.get(meaning)]
    errors += [_twice(meaning, [header[n] for n in found]) for meaning, found in places.items() if len(found) > 1]
    if not places["points"] and "points" not in named:
        errors.append(_missing("points", "points"))
    if not places["email"] and not places["customer_id"] and not {"email", "customer_id"} & named.keys():
        errors.append(RowError(1, "", "No column says whose points they are.", "Name one email or customer_id."))
    if errors:
        raise FileRefused(f"The header does not say what is needed: {errors[0]}", errors=errors, kind="wrong-header")
    return {meaning: found[0] for meaning, found in places.items() if found}


def _word(text: str) -> str:
    return _NO_WORD.sub("_", text.strip().lower()).strip("_")


def _missing(meaning: str, word: str) -> RowError:
    known = ", ".join(WORDS.get(meaning, ()))
    return RowError(1, word, f"There is no such column for {meaning}.", f"Known words are: {known}.")


def _twice(meaning: str, found: list[str]) -> RowError:
    named = " and ".join(repr(word) for word in found)
    return RowError(1, found[1], f"Both {named} could mean {meaning}.", "Say which one it is, or rename the other.")
