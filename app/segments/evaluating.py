"""Which clauses of a query hold for one customer, in Python: the reason of membership, and the oracle of the compiler.

Works on what a merchant would see, days and amounts, where the compiler works on instants and minor units.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.loyalty.dates import day_of
from app.money import to_decimal
from app.segments.catalogue import ATTRIBUTES, DATE, MONEY, NUMBER, AttributeType
from app.segments.compiling import Calendar
from app.segments.days import day_meant
from app.segments.syntax import Clause, Day, Group, Node, Offset, Text, Value, clauses

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "CONTAINS": operator.contains,
}


@dataclass(frozen=True)
class Reason:
    """A clause, whether it holds, and the customer's own value: a number, a Decimal, a date, a text, texts, a truth, or
    None where there is none. `bounds` are the clause's values with moving days as the days that they are now."""

    clause: Clause
    holds: bool
    value: Any
    bounds: tuple[Any, ...]


def holds(node: Node, profile: Mapping[str, Any], calendar: Calendar) -> bool:
    """Whether a customer fits. `profile` has the columns of `segment_profiles`."""
    if isinstance(node, Clause):
        return _clause_holds(node, profile, calendar)
    if isinstance(node, Group):
        together = all if node.word == "AND" else any
        return together(holds(part, profile, calendar) for part in node.parts)
    return not holds(node.part, profile, calendar)


def reasons(node: Node, profile: Mapping[str, Any], calendar: Calendar) -> tuple[Reason, ...]:
    """Every clause as it is written, each with whether it holds by itself."""
    return tuple(
        Reason(
            clause=clause,
            holds=_clause_holds(clause, profile, calendar),
            value=shown(ATTRIBUTES[clause.attribute.name], profile, calendar),
            bounds=tuple(_bound(ATTRIBUTES[clause.attribute.name], value, calendar) for value in clause.values),
        )
        for clause in clauses(node)
    )


def shown(attribute: AttributeType, profile: Mapping[str, Any], calendar: Calendar) -> Any:
    """A customer's value of an attribute as merchants count it: days of the shop, units of its money."""
    value = profile[attribute.column]
    if attribute.kind == DATE and isinstance(value, datetime):
        return day_of(value, calendar.zone)
    return to_decimal(value, calendar.currency) if attribute.kind == MONEY else value


def _bound(attribute: AttributeType, value: Value, calendar: Calendar) -> Any:
    if isinstance(value, Day | Offset):
        return day_meant(value, calendar.today)
    if isinstance(value, Text):
        return attribute.folded(value.value)
    return int(value.value) if attribute.kind == NUMBER else value.value


def _clause_holds(clause: Clause, profile: Mapping[str, Any], calendar: Calendar) -> bool:
    attribute = ATTRIBUTES[clause.attribute.name]
    value = shown(attribute, profile, calendar)
    nothing = value is None or value == []
    if clause.operator in {"IS NULL", "IS NOT NULL"}:
        return nothing == (clause.operator == "IS NULL")
    bounds = [_bound(attribute, given, calendar) for given in clause.values]
    if clause.operator in {"!=", "NOT CONTAINS"}:
        return nothing or not _COMPARE[clause.operator.replace("!=", "=").removeprefix("NOT ")](value, bounds[0])
    if nothing:
        return False
    if clause.operator == "BETWEEN":
        return bool(bounds[0] <= value <= bounds[1])
    return _COMPARE[clause.operator](value, bounds[0])
