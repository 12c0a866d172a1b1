"""The customer as the API shows it: points, totals, consent; its ledger; adjustments by hand."""

from datetime import datetime
from typing import Any

from app import clock
from app.api import pages, queries
from app.api.operation import Answer, Call
from app.api.queries import Person
from app.api.referrals import link_of
from app.api.standing import points_of
from app.api.words import instant, instant_or_none, money, sentence
from app.audit.service import record
from app.loyalty import service
from app.loyalty.ledger import Holder
from app.loyalty.models import LedgerEntry
from app.loyalty.programs import default_program_id, program_rules
from app.loyalty.standing import account_standing
from app.segments.queries import names_of


def get_customer(call: Call) -> Answer:
    """GET /customers/{customer_id}"""
    program = program_rules(call.session, [call.shop.id])[call.shop.id]
    account = queries.account_id(call.session, call.shop.id, call.path["customer_id"])
    holder = Holder(call.shop.id, program.program_id, account)
    person = queries.person(call.session, call.shop.id, holder.account_id, int(call.path["customer_id"]))
    return Answer(
        200,
        {
            "id": call.path["customer_id"],
            "points": points_of(call, holder),
            "segments": list(names_of(call.session, call.shop.id, holder.account_id)),
            "referral": link_of(call, program, account),
            "totals": _totals(person, call.shop.currency),
            "consent": {
                "email": _consent(person.email_consent, person.email_consent_level, person.email_consent_at),
                "sms": _consent(person.sms_consent, person.sms_consent_level, person.sms_consent_at),
            },
        },
    )


def list_ledger(call: Call) -> Answer:
    """GET /customers/{customer_id}/ledger"""
    holder = _holder(call)
    key = pages.after(call, pages.row_id)
    before = key[0] if key else None
    rows = queries.ledger_entries(call.session, *holder, before=before, limit=pages.limit_of(call) + 1)
    orders = [int(entry.source_id) for entry, _ in rows if entry.source_kind == "order"]
    names = queries.order_names(call.session, call.shop.id, orders)
    return pages.page(call, rows, lambda row: _entry(*row, names), lambda row: [row[0].id])


def create_adjustment(call: Call) -> Answer:
    """POST /customers/{customer_id}/adjustments"""
    holder = _holder(call)
    points = int(call.body["points"])
    entry_id = service.adjust(
        call.session,
        holder,
        points,
        request_id=call.request_id,
        note=call.body["reason"],
        actor=call.actor,
        allow_negative=call.body.get("allow_negative", False),
    )
    record(
        call.session,
        holder.shop_id,
        actor=call.actor,
        what="points.adjusted",
        subject=f"account:{holder.account_id}",
        after={"entry": str(entry_id), "points": points},
    )
    balance = account_standing(call.session, holder, clock.now()).balance
    source = {"kind": "adjustment", "id": call.request_id}
    # Without the note: answers are kept for repeated requests, and a note may name a person.
    return Answer(201, {"id": str(entry_id), "points": points, "balance": balance, "source": source})


def _holder(call: Call) -> Holder:
    account = queries.account_id(call.session, call.shop.id, call.path["customer_id"])
    return Holder(call.shop.id, default_program_id(call.session, call.shop.id), account)


def _totals(person: Person, currency: str) -> dict[str, Any]:
    return {
        "orders": person.orders,
        "spent": money(person.spent_minor, currency),
        "first_order_at": instant_or_none(person.first_order_at),
        "last_order_at": instant_or_none(person.last_order_at),
        "lifetime_orders": person.lifetime_orders,
        "lifetime_spent": money(person.lifetime_spent_minor, currency),
        "history_known": person.history_known,
    }


def _consent(state: str | None, level: str | None, at: datetime | None) -> dict[str, str | None]:
    return {"state": state, "opt_in_level": level, "updated_at": instant_or_none(at)}


def _entry(entry: LedgerEntry, note: str | None, order_names: dict[int, str]) -> dict[str, Any]:
    order_name = order_names.get(int(entry.source_id)) if entry.source_kind == "order" else None
    action = entry.source_id.partition(":")[0] if entry.source_kind == "action" else None
    return {
        "id": str(entry.id),
        "points": entry.points,
        "reason": entry.reason,
        "description": sentence(entry.reason, order_name, action),
        "note": note,
        "source": {"kind": entry.source_kind, "id": entry.source_id},
        "rule_version": entry.rule_version,
        "actor": entry.actor,
        "business_at": instant(entry.business_at),
        "recorded_at": instant(entry.recorded_at),
    }
