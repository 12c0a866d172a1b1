"""Programs and rewards: what a new installation starts with, and reading a program back with all its rule versions.

Rules are data (`rule_versions.rules`), read into `Rules`; the fold is given them and nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.loyalty.models import Program, Reward, RuleVersion
from app.loyalty.rules import Rules, parse
from app.money import exponent
from app.shops.models import Shop
from app.sql import Statement

UTC = ZoneInfo("UTC")
DEFAULT_RULES: dict[str, Any] = {"earning": [{"kind": "per_unit", "points": 1}]}
DEFAULT_REWARD_POINTS = 100
DEFAULT_REWARD_UNITS = 5


@dataclass(frozen=True, kw_only=True)
class ProgramRules:
    """A program as the fold uses it: all its versions, oldest first, and the shop's time zone."""

    shop_id: int
    program_id: int
    earns_from: datetime | None = None
    ends_at: datetime | None = None
    versions: tuple[Rules, ...] = ()
    zone: ZoneInfo = UTC
    history_chosen: bool = False
    history_from: datetime | None = None

    def at(self, instant: datetime) -> Rules | None:
        """The version in force at an instant of business time; None when the program does not earn then."""
        if self.earns_from and instant < self.earns_from:
            return None
        if self.ends_at and instant >= self.ends_at:
            return None
        for rules in reversed(self.versions):
            if rules.in_force_from is None or rules.in_force_from <= instant:
                return rules
        return None

    def counts_imported(self, instant: datetime) -> bool:
        """Whether an imported order of an instant earns: only after the merchant has chosen from when on."""
        return self.history_chosen and (self.history_from is None or self.history_from <= instant)

    @cached_property
    def counts_days(self) -> bool:
        """Whether a limit a day is in some version."""
        return any(rules.caps.day is not None for rules in self.versions)

    @cached_property
    def refers(self) -> bool:
        """Whether some version rewards bringing friends."""
        return any(rules.referral is not None for rules in self.versions)


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


_DEFAULT = Statement("select id from programs where shop_id = :shop_id order by id limit 1")


def default_program_id(session: Session, shop_id: int) -> int:
    """The same, where no more than its id is asked for."""
    return int(_DEFAULT.run(session, shop_id=shop_id)[0].id)


_PROGRAMS = Statement("""
select p.shop_id, p.id as program_id, p.earns_from, p.ends_at, p.history_chosen_at is not null as history_chosen,
       p.history_from, s.timezone, v.version, v.in_force_from, v.rules::text as rules
from (select distinct on (shop_id) * from programs where shop_id = any(:shops) order by shop_id, id) p
join shops s on s.id = p.shop_id
left join rule_versions v on v.shop_id = p.shop_id and v.program_id = p.id
order by p.shop_id, v.version
""")


def program_rules(session: Session, shop_ids: Iterable[int]) -> dict[int, ProgramRules]:
    """The program of each shop with its versions, by shop id."""
    found: dict[int, list[Any]] = {}
    for row in _PROGRAMS.run(session, shops=sorted(set(shop_ids))):
        found.setdefault(row.shop_id, []).append(row)
    return {shop_id: _of_rows(rows) for shop_id, rows in found.items()}


def _of_rows(rows: Sequence[Any]) -> ProgramRules:
    first = rows[0]
    return ProgramRules(
        shop_id=first.shop_id,
        program_id=first.program_id,
        earns_from=first.earns_from,
        ends_at=first.ends_at,
        versions=tuple(_read(row.rules, row.version, row.in_force_from) for row in rows if row.version is not None),
        zone=zone_of(first.timezone),
        history_chosen=first.history_chosen,
        history_from=first.history_from,
    )


def zone_of(name: str) -> ZoneInfo:
    """A shop's time zone; UTC for a name that this machine does not know, rather than no points at all."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):
        return UTC


def read_rules(row: RuleVersion) -> Rules:
    """A stored version."""
    return _read(orjson.dumps(row.rules).decode(), row.version, row.in_force_from)


@lru_cache(maxsize=10_000)
def _read(rules: str, version: int, in_force_from: datetime | None) -> Rules:
    """Versions are immutable and each batch of webhooks needs some."""
    return parse(orjson.loads(rules), version=version, in_force_from=in_force_from)
