"""The figures of the app home."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import clock
from app.customers.models import Account
from app.discounts.models import DiscountCode
from app.loyalty import programs, wording
from app.loyalty.models import Balance, Reward
from app.loyalty.programs import ProgramRules
from app.loyalty.rules import Rules
from app.shops.models import Shop


@dataclass(frozen=True)
class Overview:
    """What the home shows of a shop. `in_words` is empty while the program does not earn."""

    shop: Shop
    in_words: list[str]
    rewards: list[Reward]
    members: int
    points_outstanding: int
    codes_issued: int
    codes_used: int


def overview(session: Session, shop: Shop) -> Overview:
    """Program, rewards and counts of an installed shop."""
    program = programs.program_rules(session, [shop.id])[shop.id]
    rules = program.at(clock.now())
    codes = _codes_by_state(session, shop.id)
    return Overview(
        shop=shop,
        in_words=_in_words(session, shop, program, rules) if rules else [],
        rewards=_rewards(session, shop.id),
        members=_count_members(session, shop.id),
        points_outstanding=_points_outstanding(session, shop.id),
        codes_issued=codes.get("issued", 0) + codes.get("used", 0),
        codes_used=codes.get("used", 0),
    )


def _in_words(session: Session, shop: Shop, program: ProgramRules, rules: Rules) -> list[str]:
    """The rules and what becomes of points; rewards are listed beside them."""
    terms = wording.Terms.of(programs.default_program(session, shop.id))
    return wording.in_words(rules, shop.currency, program.zone) + wording.terms_in_words(terms, [], program.zone)


def _rewards(session: Session, shop_id: int) -> list[Reward]:
    wanted = select(Reward).where(Reward.shop_id == shop_id, Reward.active).order_by(Reward.points, Reward.id)
    return list(session.scalars(wanted))


def _count_members(session: Session, shop_id: int) -> int:
    """Accounts that stand for themselves: merged ones live on in the account that took them over."""
    members = select(func.count()).where(Account.shop_id == shop_id, Account.merged_into.is_(None))
    return session.execute(members).scalar_one()


def _points_outstanding(session: Session, shop_id: int) -> int:
    points = select(func.coalesce(func.sum(Balance.points), 0)).where(Balance.shop_id == shop_id)
    return int(session.execute(points).scalar_one())


def _codes_by_state(session: Session, shop_id: int) -> dict[str, int]:
    counts = (
        select(DiscountCode.state, func.count().label("codes"))
        .where(DiscountCode.shop_id == shop_id)
        .group_by(DiscountCode.state)
    )
    return {row.state: row.codes for row in session.execute(counts)}
