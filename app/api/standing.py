"""What a customer's points consist of, and what the program owes: lots, liability, the months of a schedule."""

from datetime import date
from typing import Any

from app import clock
from app.api import pages, queries, values
from app.api.operation import Answer, Call
from app.api.queries import HeldLot
from app.api.words import instant, instant_or_none, money
from app.errors import Unprocessable
from app.loyalty import schedule, standing
from app.loyalty.ledger import Holder
from app.loyalty.programs import default_program, default_program_id, zone_of
from app.loyalty.schedule import Month
from app.loyalty.standing import Liability

# Months of one schedule: each question reads every entry of the program once.
MOST_MONTHS = 60
BY = {"recorded": standing.RECORDED, "business": standing.BUSINESS}


def points_of(call: Call, holder: Holder) -> dict[str, Any]:
    """Points of an account now, with what will expire when."""
    now = clock.now()
    found, coming = standing.standing_and_coming(call.session, holder, now)
    return {
        "balance": found.balance,
        "available": found.available,
        "pending": found.pending,
        "lifetime": found.lifetime,
        "owed": found.owed,
        "expiring": [{"at": instant(one.due_at), "points": one.points} for one in coming[:20]],
    }


def list_lots(call: Call) -> Answer:
    """GET /customers/{customer_id}/lots"""
    account = queries.account_id(call.session, call.shop.id, call.path["customer_id"])
    holder = Holder(call.shop.id, default_program_id(call.session, call.shop.id), account)
    key = pages.after(call, pages.row_id)
    rows = queries.lots(call.session, *holder, beyond=key[0] if key else None, limit=pages.limit_of(call) + 1)
    return pages.page(call, rows, _lot, lambda lot: [lot.id])


def get_liability(call: Call) -> Answer:
    """GET /liability"""
    at = values.instant(call.query, "at", prefix="")
    if at is not None and at > clock.now():
        raise Unprocessable("The liability of an instant to come is not known.", kind="future-instant")
    program = default_program(call.session, call.shop.id)
    by = BY[call.query.get("by", "recorded")]
    return Answer(200, _liability(standing.liability(call.session, call.shop.id, program.id, at, by)))


def get_schedule(call: Call) -> Answer:
    """GET /liability/schedule"""
    try:
        first = date.fromisoformat(f"{call.query['from']}-01")
    except (ValueError, KeyError) as error:
        raise values.refused("from", "must be a month, such as 2026-01") from error
    found = schedule.schedule(
        call.session,
        call.shop.id,
        default_program(call.session, call.shop.id).id,
        first=first,
        months=call.query.get("months", 12),
        zone=zone_of(call.shop.timezone),
        by=BY[call.query.get("by", "business")],
    )
    return Answer(200, {"data": [_month(month) for month in found]})


def _lot(lot: HeldLot) -> dict[str, Any]:
    return {
        "id": str(lot.id),
        "source": {"kind": lot.source_kind, "id": lot.source_id},
        "granted": lot.granted,
        "remaining": lot.remaining,
        "available_at": instant(lot.available_at),
        "expires_at": instant_or_none(lot.ends_at),
    }


def _liability(found: Liability) -> dict[str, Any]:
    value, broken = found.value, found.breakage
    return {
        "at": instant(found.at),
        "outstanding": found.outstanding,
        "pending": found.pending,
        "owed": found.owed,
        "accounts": found.accounts,
        "forgiven": {"points": found.forgiven, "debts": found.debts_forgiven},
        "money": money(value.of(found.outstanding), value.currency) if value else None,
        "value": {"points": value.points, "buy": money(value.minor, value.currency), "reward_id": str(value.reward_id)}
        if value
        else None,
        "breakage": {
            "share": f"{float(broken.share):.4f}",
            "lots": broken.lots,
            "expected_points": found.expected_breakage,
        }
        if broken
        else None,
    }


def _month(month: Month) -> dict[str, Any]:
    return {**month.__dict__, "first_day": month.first_day.isoformat()}
