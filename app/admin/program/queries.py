"""Reading a program for its page: its versions with their rules, and what is offered. Called by the pages beside it."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.loyalty.models import Program, Reward, RuleVersion

# A page shows the newest; a shop that changes its rules every week fills it in half a year.
MOST_VERSIONS = 30


def versions(session: Session, program: Program) -> Sequence[RuleVersion]:
    """The newest versions, newest first."""
    wanted = select(RuleVersion).where(RuleVersion.shop_id == program.shop_id, RuleVersion.program_id == program.id)
    return session.scalars(wanted.order_by(RuleVersion.version.desc()).limit(MOST_VERSIONS)).all()


def newest_that_earns(session: Session, program: Program) -> RuleVersion | None:
    """The last version under which anything earned: what a stopped program goes on with."""
    return next((row for row in versions(session, program) if earns(row.rules)), None)


def earns(rules: object) -> bool:
    """Whether orders, actions or referrals bring anything under stored rules."""
    return isinstance(rules, dict) and any(rules.get(name) for name in ("earning", "actions", "referral"))


def offered(session: Session, program: Program) -> Sequence[Reward]:
    """What points buy, cheapest first."""
    wanted = select(Reward).where(Reward.shop_id == program.shop_id, Reward.program_id == program.id, Reward.active)
    return session.scalars(wanted.order_by(Reward.points, Reward.id)).all()
