"""Programs, their rules and rewards: what a new installation starts with, and reading them back.

Rules are data (`rule_versions.rules`), read into `Rules`; the fold is given them and nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app import clock
from app.loyalty.models import Program, Reward, RuleVersion
from app.money import exponent
from app.shops.models import Shop

DEFAULT_RULES: dict[str, Any] = {"order_points": {"kind": "per_unit", "points": 1}}
DEFAULT_REWARD_POINTS = 100
DEFAULT_REWARD_UNITS = 5


@dataclass(frozen=True)
class Rules:
    """One rule version, as the fold uses it: points for each whole unit of the order's base."""

    version: int
    in_force_from: datetime | None
    points_per_unit: int


@dataclass(frozen=True)
class ProgramRules:
    """A program with all its versions, oldest first."""

    shop_id: int
    program_id: int
    earns_from: datetime | None
    ends_at: datetime | None
    versions: tuple[Rules, ...]

    def at(self, instant: datetime) -> Rules | None:
        """The version in force at an instant of business time; None when the program does not earn then."""
        if self.earns_from and instant < self.earns_from:
            return None
        if self.ends_at and instant >= self.ends_at:
            return None
        in_force = [rules for rules in self.versions if rules.in_force_from is None or rules.in_force_from <= instant]
        return in_force[-1] if in_force else None


def create_default(session: Session, shop: Shop) -> Program:
    """The program and reward of a new installation; a shop that has a program keeps it."""
    existing = session.scalars(select(Program).where(Program.shop_id == shop.id).order_by(Program.id)).first()
    if existing:
        return existing
    now = clock.now()
    program = Program(shop_id=shop.id, name="Points", earns_from=None, ends_at=None, created_at=now)
    session.add(program)
    session.flush()
    session.add(
        RuleVersion(
            shop_id=shop.id, program_id=program.id, version=1, in_force_from=None, rules=DEFAULT_RULES, created_at=now
        )
    )
    session.add(
        Reward(
            shop_id=shop.id,
            program_id=program.id,
            title=f"{DEFAULT_REWARD_UNITS} {shop.currency} off",
            kind="amount_off",
            points=DEFAULT_REWARD_POINTS,
            value_minor=DEFAULT_REWARD_UNITS * 10 ** exponent(shop.currency),
            currency=shop.currency,
        )
    )
    session.flush()
    return program


def default_program(session: Session, shop_id: int) -> Program:
    """The shop's one program; it exists from the installation on."""
    return session.scalars(select(Program).where(Program.shop_id == shop_id).order_by(Program.id).limit(1)).one()


def program_rules(session: Session, shop_ids: Iterable[int]) -> dict[int, ProgramRules]:
    """The program of each shop with its versions, by shop id."""
    wanted = sorted(set(shop_ids))
    programs = session.scalars(select(Program).where(Program.shop_id.in_(wanted)).order_by(Program.id.desc())).all()
    by_shop = {program.shop_id: program for program in programs}
    keys = [(program.shop_id, program.id) for program in by_shop.values()]
    rows = session.scalars(
        select(RuleVersion)
        .where(tuple_(RuleVersion.shop_id, RuleVersion.program_id).in_(keys))
        .order_by(RuleVersion.version)
    ).all()
    versions: dict[int, list[Rules]] = {shop_id: [] for shop_id in by_shop}
    for row in rows:
        versions[row.shop_id].append(_rules(row))
    return {
        shop_id: ProgramRules(shop_id, program.id, program.earns_from, program.ends_at, tuple(versions[shop_id]))
        for shop_id, program in by_shop.items()
    }


def _rules(row: RuleVersion) -> Rules:
    return Rules(row.version, row.in_force_from, int(row.rules["order_points"]["points"]))
