"""The referrals' page: sums, then one by one with the state and its reason in words."""

from typing import Any

from app import clock
from app.admin.figures import kept
from app.admin.members import queries as members
from app.admin.members.pages import row_id
from app.admin.members.wording import REFERRAL_STATES
from app.admin.texts import lazy_gettext as _l
from app.admin.visit import View, Visit
from app.loyalty.programs import default_program, program_rules
from app.referrals import queries
from app.referrals.service import rewards_at

PAGE = 50
# So many are looked through for those in one state; the next page goes on behind them.
REACH = 5_000
TONES = {"waiting": "warning", "rewarded": "good", "reversed": None, "refused": "critical"}
REASONS = {
    "same_account": _l("Both are the same customer."),
    "same_email": _l("Both have the same e-mail address."),
    "same_phone": _l("Both have the same telephone number."),
    "same_address": _l("Both have the same postal address."),
    "not_first_order": _l("It was not the friend's first order."),
    "unknown_history": _l("Whether it was the friend's first order is not known."),
    "unpaid": _l("The order is not paid yet."),
    "no_reward": _l("The rules of that day gave nothing for it."),
    "cancelled": _l("The order was cancelled."),
    "deleted": _l("The order was deleted."),
    "refunded": _l("The order was refunded."),
}


def show_list(visit: Visit) -> View:
    """Referrals newest first, by state."""
    state = visit.query.get("state") if visit.query.get("state") in REFERRAL_STATES else None
    before = row_id(visit.query.get("before"))
    least = queries.reach(visit.session, visit.shop.id, before=before, number=REACH) if state else None
    rows = queries.listed(visit.session, visit.shop.id, state=state, before=before, least=least, limit=PAGE + 1)
    program = program_rules(visit.session, [visit.shop.id])[visit.shop.id]
    figures = kept.of(visit.session, visit.shop, "referrals")
    values = {
        "sums": figures.values if figures else None,
        "counted_at": figures.counted_at if figures else None,
        "rewarding": rewards_at(program, clock.now()),
        "referrals": rows[:PAGE],
        "names": names(visit, rows[:PAGE]),
        "next": rows[PAGE - 1].order_id if len(rows) > PAGE else least,
        "reach": REACH,
        "state": state or "",
        "states": REFERRAL_STATES,
        "tones": TONES,
        "reasons": REASONS,
    }
    return View("admin/referrals.html", values)


def names(visit: Visit, rows: Any) -> dict[int, str]:
    """What both sides of these referrals are called, by account."""
    accounts = {account for row in rows for account in (row.advocate_account, row.friend_account) if account}
    if not accounts:
        return {}
    program = default_program(visit.session, visit.shop.id).id
    return {one.id: one.title for one in members.members(visit.session, visit.shop.id, program, sorted(accounts))}
