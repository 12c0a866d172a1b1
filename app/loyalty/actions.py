"""Actions: what somebody did besides ordering, recorded once, worth what the rules of its instant say.

The API records them; birthdays come from `app.loyalty.birthdays`. An action stays with the account that did it and is
worth its points to whoever took that account over. Its key is made by whoever reports it and must not tell who somebody
is: it stands in the ledger for good.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import clock
from app.customers.models import Account
from app.errors import Conflict, Unprocessable
from app.loyalty import fact_loading, service
from app.loyalty.facts import AccountFacts
from app.loyalty.fold import fold
from app.loyalty.lots import Source
from app.loyalty.models import Action
from app.loyalty.programs import ProgramRules, program_rules
from app.loyalty.rules import ActionRule, Caps, Rules

BIRTHDAY = "birthday"
# What an action rule and the rules as a whole may limit, by the names that answers give them.
LIMITS = ("per_day", "per_year", "per_account", "day", "account")


@dataclass(frozen=True)
class Recorded:
    """An action and its worth. `why` says why it is not more: no_rule, not_running, limit; `limits` which ones."""

    action: Action
    is_new: bool
    points: int
    why: str | None
    limits: tuple[str, ...]


def record(
    session: Session, shop_id: int, account_id: int, *, kind: str, key: str, at: datetime | None, actor: str
) -> Recorded:
    """Record an action of an account (at: business time, None now) and settle; the same again changes nothing.

    Raises Unprocessable for an instant to come and for birthdays, Conflict when the key was used for another account.
    """
    if kind == BIRTHDAY:
        raise Unprocessable("Birthdays come by themselves: tell the customer's birthday.", kind="birthday-action")
    now = clock.now()
    if at is not None and at > now:
        raise Unprocessable("The action lies in the future; report it when it has happened.", kind="future-instant")
    values = {"shop_id": shop_id, "kind": kind, "key": key, "account_id": account_id, "business_at": at or now}
    made = insert(Action).values(**values, recorded_at=now, actor=actor).on_conflict_do_nothing().returning(Action.key)
    is_new = session.scalar(made) is not None
    action = session.get_one(Action, (shop_id, kind, key), populate_existing=True)
    if not is_new and _root(session, action) != account_id:
        raise Conflict("This key was used for an action of another customer.", kind="action-key-used")
    service.settle(session, [(shop_id, account_id)])
    return _with_worth(session, action, account_id, is_new)


def _root(session: Session, action: Action) -> int:
    account = session.get_one(Account, (action.shop_id, action.account_id))
    return account.merged_into or account.id


def _with_worth(session: Session, action: Action, account_id: int, is_new: bool) -> Recorded:
    program = program_rules(session, [action.shop_id])[action.shop_id]
    facts = fact_loading.load(session, [(action.shop_id, account_id)], {action.shop_id: program})
    of_account = facts[action.shop_id, account_id]
    points = _worth(program, of_account, action)
    rules = program.at(action.business_at)
    rule = rules.actions.get(action.kind) if rules else None
    if rules is None:
        return Recorded(action, is_new, points, "not_running", ())
    if rule is None:
        return Recorded(action, is_new, points, "no_rule", ())
    if points >= rule.points:
        return Recorded(action, is_new, points, None, ())
    return Recorded(action, is_new, points, "limit", _binding(program, of_account, action, points))


def _worth(program: ProgramRules, facts: AccountFacts, action: Action) -> int:
    target = fold(program, facts, dated=False).get(Source("action", f"{action.kind}:{action.key}"))
    return target.points if target else 0


def _binding(program: ProgramRules, facts: AccountFacts, action: Action, points: int) -> tuple[str, ...]:
    """The limits without which the action would bring more, each taken away alone; else they bind together."""
    rules = program.at(action.business_at)
    there = [name for name in LIMITS if rules is not None and _unlimited(rules, action.kind, name) != rules]
    found = [name for name in there if _worth(_without(program, action.kind, name), facts, action) > points]
    return tuple(found or there)


def _without(program: ProgramRules, kind: str, limit: str) -> ProgramRules:
    return replace(program, versions=tuple(_unlimited(rules, kind, limit) for rules in program.versions))


def _unlimited(rules: Rules, kind: str, limit: str) -> Rules:
    if limit in {"day", "account"}:
        caps: Caps = replace(rules.caps, day=None) if limit == "day" else replace(rules.caps, account=None)
        return replace(rules, caps=caps)
    rule = rules.actions.get(kind)
    if rule is None:
        return rules
    free: ActionRule = replace(rule, **{limit: None})  # type: ignore[arg-type]  # the name of a limit
    return replace(rules, actions={**rules.actions, kind: free})
