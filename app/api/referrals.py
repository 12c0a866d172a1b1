"""Referrals: which friends members brought, what became of them, and what came of it in all."""

from typing import Any

from app.api import pages, queries
from app.api.operation import Answer, Call
from app.api.words import instant, instant_or_none, money
from app.loyalty.programs import ProgramRules
from app.referrals import codes
from app.referrals import queries as referrals
from app.referrals.service import codes_under


def list_referrals(call: Call) -> Answer:
    """GET /referrals"""
    key = pages.after(call, pages.row_id)
    advocate = call.query.get("advocate")
    rows = referrals.listed(
        call.session,
        call.shop.id,
        state=call.query.get("state"),
        account=queries.account_id(call.session, call.shop.id, advocate) if advocate else None,
        before=key[0] if key else None,
        limit=pages.limit_of(call) + 1,
    )
    return pages.page(call, rows, _referral, lambda row: [row.order_id])


def get_referral_statistics(call: Call) -> Answer:
    """GET /referrals/statistics"""
    found = referrals.statistics(call.session, call.shop.id)
    return Answer(
        200,
        {
            "links": found.links,
            "links_used": found.links_used,
            "sign_ups": found.sign_ups,
            "orders": found.orders,
            "refused": found.refused,
            "revenue": money(found.revenue_minor, call.shop.currency),
            "points": {"advocates": found.advocate_points, "friends": found.friend_points},
        },
    )


def link_of(call: Call, program: ProgramRules, account: int) -> dict[str, Any] | None:
    """An account's link for friends."""
    code = codes_under(call.session, program, [account]).get(account)
    return {"code": code, "link": codes.link(f"https://{call.shop.domain}", code)} if code else None


def _referral(row: Any) -> dict[str, Any]:
    return {
        "order": {
            "id": str(row.order_id),
            "name": row.order_name,
            "total": money(row.revenue_minor, row.currency),
            "placed_at": instant(row.ordered_at),
        },
        "code": row.code,
        "matched_by": row.matched_by,
        "state": row.state,
        "reason": row.reason,
        "advocate": _side(row.advocate_account, row.advocate_customer, row.advocate_points),
        "friend": _side(row.friend_account, row.friend_customer, row.friend_points),
        "available_at": instant_or_none(row.available_at if row.advocate_points or row.friend_points else None),
    }


def _side(account: int, customer: int | None, points: int) -> dict[str, Any]:
    return {"account": str(account), "customer": str(customer) if customer else None, "points": points}
