"""Changing a program: its settings, its rule versions, its rewards. Called by the API, with whoever does it.

No change alters what earlier business time has earned: versions follow each other and begin now or later, and start and
end of a program move only while both the old and the new instant lie ahead (or as long as nothing was earned at all).
Every change is in the audit log, in the same transaction.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock
from app.audit.service import record
from app.errors import NotFound, Unprocessable
from app.loyalty import settlement
from app.loyalty.models import Program, RuleVersion
from app.loyalty.programs import read_rules
from app.loyalty.rules import Rules, parse
from app.storefront import dirty

SETTINGS = ("name", "earns_from", "ends_at", "forgives_debts", "returns_spent", "return_days")
_EVER = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)


def locked_program(session: Session, shop_id: int, program_id: int) -> Program:
    """A program of this shop, locked against other changes; raises NotFound."""
    program = session.get(Program, (shop_id, program_id), with_for_update=True)
    if program is None:
        raise NotFound(f"This shop has no program {program_id}.")
    return program


def change_program(
    session: Session, shop_id: int, program_id: int, changes: Mapping[str, Any], *, actor: str
) -> Program:
    """Set some of SETTINGS. Raises NotFound, and Unprocessable when earlier awards would change."""
    program = locked_program(session, shop_id, program_id)
    wanted = {name: value for name, value in changes.items() if value != getattr(program, name)}
    if not wanted:
        return program
    before = {name: getattr(program, name) for name in wanted}
    moved = [name for name in ("earns_from", "ends_at") if name in wanted]
    if moved:
        _check_times(session, program, {name: wanted[name] for name in moved})
    for name, value in wanted.items():
        setattr(program, name, value)
    if moved:
        since = min(_instant(name, value) for name in moved for value in (before[name], wanted[name]))
        _settle_since(session, shop_id, "program.changed", since)
        _show_when(session, program)
    record(
        session,
        shop_id,
        actor=actor,
        what="program.changed",
        subject=f"program:{program_id}",
        before=_shown(before),
        after=_shown(wanted),
    )
    return program


def _check_times(session: Session, program: Program, wanted: Mapping[str, datetime | None]) -> None:
    begins = _instant("earns_from", wanted.get("earns_from", program.earns_from))
    ends = _instant("ends_at", wanted.get("ends_at", program.ends_at))
    if begins >= ends:
        raise Unprocessable("The program has to end later than it begins.", kind="program-times")
    now = clock.now()
    for name, value in wanted.items():
        if min(_instant(name, value), _instant(name, getattr(program, name))) < now and _has_earned(session, program):
            raise Unprocessable(
                f"Points were earned already, and {name} lies in the past or would: that would change what was earned. "
                "Choose instants that lie ahead; to pause a program add a version that earns nothing.",
                kind="earlier-awards",
            )


def _instant(name: str, value: datetime | None) -> datetime:
    """Null stands for the beginning of time, or for its end."""
    return value or (_EVER if name == "earns_from" else _NEVER)


def _has_earned(session: Session, program: Program) -> bool:
    earned = text("""select exists (select from ledger_entries
        where shop_id = :shop_id and program_id = :program_id and source_kind in ('order', 'action', 'referral'))""")
    return bool(session.scalar(earned, {"shop_id": program.shop_id, "program_id": program.id}))


def add_version(
    session: Session, shop_id: int, program_id: int, rules: Any, in_force_from: datetime | None, *, actor: str
) -> RuleVersion:
    """Add a rule version that holds from an instant on (None: now).

    Raises Invalid naming every wrong field, NotFound, and Unprocessable when the instant is past or not later than the
    start of the newest version.
    """
    read = parse(rules)
    program = locked_program(session, shop_id, program_id)
    newest = newest_version(session, program)
    now = clock.now()
    begins = in_force_from or now
    if begins < now:
        raise Unprocessable("A version cannot hold from a past instant on: what was earned stays.", kind="past-version")
    if newest is not None and newest.in_force_from is not None and begins <= newest.in_force_from:
        raise Unprocessable(
            f"Version {newest.version} holds from {newest.in_force_from.isoformat()} on; a new one has to begin later.",
            kind="version-order",
        )
    version = RuleVersion(
        shop_id=shop_id,
        program_id=program_id,
        version=newest.version + 1 if newest else 1,
        in_force_from=begins,
        rules=rules,
        created_at=now,
    )
    session.add(version)
    session.flush()
    _settle_since(session, shop_id, "version.added", begins)
    _show_links(session, shop_id, newest, read)
    after = {"version": version.version, "in_force_from": begins.isoformat(), "rules": rules}
    record(session, shop_id, actor=actor, what="version.added", subject=f"program:{program_id}", after=after)
    return version


def _show_links(session: Session, shop_id: int, before: RuleVersion | None, rules: Rules) -> None:
    """Where bringing friends is rewarded, members see their links and friends what they get; later no more."""
    rewarded = read_rules(before).referral if before is not None else None
    if rules.referral != rewarded:
        dirty.note_shop(session, shop_id)
    if rules.referral is not None and rewarded is None:
        dirty.show_points(session, shop_id, on=True)
    if (rules.referral is None) != (rewarded is None):
        dirty.note_everybody(session, shop_id)


def _show_when(session: Session, program: Program) -> None:
    """The instants from and until which friends are rewarded were published, too."""
    newest = newest_version(session, program)
    if newest is not None and read_rules(newest).referral is not None:
        dirty.note_shop(session, program.shop_id)
        dirty.note_everybody(session, program.shop_id)


def newest_version(session: Session, program: Program) -> RuleVersion | None:
    """The version that was added last."""
    wanted = select(RuleVersion).where(RuleVersion.shop_id == program.shop_id, RuleVersion.program_id == program.id)
    return session.scalars(wanted.order_by(RuleVersion.version.desc()).limit(1)).first()


def _settle_since(session: Session, shop_id: int, why: str, since: datetime) -> None:
    """Whoever was settled a moment ago may have been so under the rules of before."""
    if since <= clock.now():
        known = None if since == _EVER else since
        settlement.plan(session, shop_id, why=why, since=known)


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
