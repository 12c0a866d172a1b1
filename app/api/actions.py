"""What customers did besides ordering, and their birthdays."""

from app.api import queries, values
from app.api.operation import Answer, Call
from app.api.words import instant
from app.customers.queries import kept_customer
from app.loyalty import actions, birthdays
from app.loyalty.actions import Recorded

_WHY = {
    "not_running": "The program does not run at that instant.",
    "no_rule": "No rule of that instant knows this kind of action; it is kept and worth nothing.",
}
_LIMITS = {
    "per_day": "how often it counts a day",
    "per_year": "how often it counts a year",
    "per_account": "how often it counts in all",
    "day": "what a member earns a day",
    "account": "what a member earns in all",
}


def create_action(call: Call) -> Answer:
    """POST /customers/{customer_id}/actions"""
    account = queries.account_id(call.session, call.shop.id, call.path["customer_id"])
    recorded = actions.record(
        call.session,
        call.shop.id,
        account,
        kind=call.body["kind"],
        key=call.body["key"],
        at=values.instant(call.body, "at"),
        actor=call.actor,
    )
    shown = {
        "kind": recorded.action.kind,
        "key": recorded.action.key,
        "at": instant(recorded.action.business_at),
        "points": recorded.points,
        "why": recorded.why,
        "limits": list(recorded.limits),
        "explanation": _explanation(recorded),
    }
    return Answer(201 if recorded.is_new else 200, shown)


def _explanation(recorded: Recorded) -> str | None:
    if recorded.why is None:
        return None
    if recorded.why in _WHY:
        return _WHY[recorded.why]
    return f"Limited by {' and '.join(_LIMITS[name] for name in recorded.limits)}."


def put_birthday(call: Call) -> Answer:
    """PUT /customers/{customer_id}/birthday"""
    queries.account_id(call.session, call.shop.id, call.path["customer_id"])
    customer_id = kept_customer(call.session, call.shop.id, int(call.path["customer_id"]))
    birthday = values.day(call.body, "birthday")
    birthdays.tell(call.session, call.shop.id, customer_id, birthday)
    return Answer(200, {"id": str(customer_id), "birthday": birthday.isoformat() if birthday else None})
