"""Whether an order that came through a member's code counts: pure, from what is known of both sides.

Called by `app.referrals.following`. Reasons are stable keys that the merchant reads in his language; none of them
repeats an address or a number.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.customers.contact import phone_number
from app.popups.addresses import mailbox

SAME_ACCOUNT, SAME_EMAIL, SAME_PHONE, SAME_ADDRESS = "same_account", "same_email", "same_phone", "same_address"
NOT_FIRST, UNKNOWN_HISTORY = "not_first_order", "unknown_history"
# Of these the reason may have been forgotten with the person; the refusal stays.
_OF_PERSONS = frozenset({SAME_EMAIL, SAME_PHONE, SAME_ADDRESS})
REASONS = (SAME_ACCOUNT, SAME_EMAIL, SAME_PHONE, SAME_ADDRESS, NOT_FIRST, UNKNOWN_HISTORY)


@dataclass(frozen=True)
class Side:
    """What is known of an advocate or of a friend; addresses are digests (`app.orders.payload`)."""

    account: int | None
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Case:
    """An order to judge. `earlier` orders were placed before any that we have, None is unknown.

    `held` is the verdict of before; it is looked at only where somebody was `forgotten` since.
    """

    advocate: Side
    friend: Side
    is_first: bool
    earlier: int | None
    held: str | None = None
    forgotten: bool = False


def refusal(case: Case) -> str | None:
    """Why the order counts for nobody; None when it counts."""
    if case.advocate.account == case.friend.account:
        return SAME_ACCOUNT
    if case.forgotten and case.held in _OF_PERSONS:
        return case.held
    same = _same(case.advocate, case.friend)
    if same is not None:
        return same
    if not case.is_first or case.earlier:
        return NOT_FIRST
    return UNKNOWN_HISTORY if case.earlier is None else None


def _same(advocate: Side, friend: Side) -> str | None:
    if _mailboxes(advocate.emails) & _mailboxes(friend.emails):
        return SAME_EMAIL
    if _numbers(advocate.phones) & _numbers(friend.phones):
        return SAME_PHONE
    return SAME_ADDRESS if advocate.addresses & friend.addresses else None


def _mailboxes(emails: Iterable[str]) -> set[str]:
    return {mailbox(email.lower()) for email in emails}


def _numbers(phones: Iterable[str]) -> set[str]:
    """Without a country a number may be anybody's, so that it is compared as it was written."""
    return {phone_number(phone) or phone for phone in phones}
