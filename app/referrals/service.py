"""What others ask of referrals: codes for members of a shop that rewards bringing friends."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import clock
from app.loyalty.programs import ProgramRules, program_rules
from app.loyalty.referral_rules import ReferralRule
from app.referrals import codes


def member_codes(session: Session, shop_id: int, accounts: Iterable[int]) -> dict[int, str]:
    """The code of each account, made where there is none; nothing while the shop rewards nobody."""
    return codes_under(session, program_rules(session, [shop_id])[shop_id], accounts)


def codes_under(session: Session, program: ProgramRules, accounts: Iterable[int]) -> dict[int, str]:
    """The same for whoever has the shop's program at hand."""
    return codes.ensure(session, program.shop_id, accounts) if rewards_at(program, clock.now()) else {}


def rule_at(program: ProgramRules, instant: datetime) -> ReferralRule | None:
    """What bringing a friend is worth at an instant; None when it is not rewarded."""
    rules = program.at(instant)
    return rules.referral if rules else None


def rewards_at(program: ProgramRules, instant: datetime) -> bool:
    """Whether bringing a friend at an instant is rewarded."""
    return rule_at(program, instant) is not None


def next_change(
    program: ProgramRules, instant: datetime, of: Callable[[ProgramRules, datetime], Any] = rewards_at
) -> datetime | None:
    """When links, or something else `of` the rules, become others by themselves: versions begin, the program ends."""
    known = (*(rules.in_force_from for rules in program.versions), program.earns_from, program.ends_at)
    turns = sorted(at for at in known if at is not None and at > instant)
    return next((at for at in turns if of(program, at) != of(program, instant)), None)
