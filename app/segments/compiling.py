"""A segment query as one SQL condition on `segment_profiles p`, with its parameters.

Logic has two values, as Shopify's has: a clause about what is not known does not hold, but for `!=` and `NOT CONTAINS`,
which do. Days are compared as instants, integers as integers, so that indexes serve behind row-level security as well
(comparisons of numeric, LIKE and functions would not). `evaluating` says the same in Python, and tests compare.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from app.loyalty.dates import end_of, start_of
from app.money import exponent
from app.segments.catalogue import ATTRIBUTES, DATE, LIST, MONEY, NUMBER, TRUTH, AttributeType
from app.segments.days import day_meant
from app.segments.syntax import Clause, Day, Group, Node, Number, Offset, Text, Truth, Value


@dataclass(frozen=True)
class Calendar:
    """What days and money mean in a shop at this moment."""

    today: date
    zone: ZoneInfo
    currency: str


@dataclass(frozen=True)
class Condition:
    """SQL that is true of the profiles that fit, and its parameters (`q0`, `q1`, …)."""

    sql: str
    parameters: dict[str, Any]


def compile_query(node: Node, calendar: Calendar) -> Condition:
    """The condition of a query that `checking.read` has accepted."""
    compiler = _Compiler(calendar)
    return Condition(compiler.node(node), compiler.parameters)


@dataclass
class _Compiler:
    calendar: Calendar
    parameters: dict[str, Any] = field(default_factory=dict)

    def node(self, node: Node) -> str:
        if isinstance(node, Clause):
            return self._clause(node)
        if isinstance(node, Group):
            return "(" + f" {node.word.lower()} ".join(self.node(part) for part in node.parts) + ")"
        return f"({self.node(node.part)}) is not true"

    def _clause(self, clause: Clause) -> str:
        attribute = ATTRIBUTES[clause.attribute.name]
        column = f"p.{attribute.column}"
        if clause.operator in {"IS NULL", "IS NOT NULL"}:
            nothing = f"{column} = '{{}}'" if attribute.kind == LIST else f"{column} is null"
            return nothing if clause.operator == "IS NULL" else f"({nothing}) is not true"
        if clause.operator == "!=":
            return f"({self._holds(attribute, column, '=', clause.values)}) is not true"
        if clause.operator == "NOT CONTAINS":
            return f"({self._holds(attribute, column, 'CONTAINS', clause.values)}) is not true"
        return self._holds(attribute, column, clause.operator, clause.values)

    def _holds(self, attribute: AttributeType, column: str, operator: str, values: tuple[Value, ...]) -> str:
        compiled = _KINDS.get(attribute.kind, _Compiler._text)
        if operator != "BETWEEN":
            return compiled(self, attribute, column, operator, values[0])
        low = compiled(self, attribute, column, ">=", values[0])
        return f"({low} and {compiled(self, attribute, column, '<=', values[1])})"

    def _parameter(self, value: Any, kind: str) -> str:
        name = f"q{len(self.parameters)}"
        self.parameters[name] = value
        return f"cast(:{name} as {kind})"

    def _number(self, attribute: AttributeType, column: str, operator: str, value: Value) -> str:
        assert isinstance(value, Number)
        amount = value.value.scaleb(exponent(self.calendar.currency)) if attribute.kind == MONEY else value.value
        return f"{column} {operator} {self._amount(amount)}"

    def _amount(self, amount: Decimal) -> str:
        # A fraction of the smallest coin: rare, and right without an index.
        whole = amount == amount.to_integral_value()
        return self._parameter(int(amount), "bigint") if whole else self._parameter(amount, "numeric")

    def _day(self, attribute: AttributeType, column: str, operator: str, value: Value) -> str:
        assert isinstance(value, Day | Offset)
        day, zone = day_meant(value, self.calendar.today), self.calendar.zone
        starts, ends = start_of(day, zone), end_of(day, zone)
        if operator == "=":
            return f"({column} >= {self._instant(starts)} and {column} < {self._instant(ends)})"
        if operator in {"<", ">="}:
            return f"{column} {operator} {self._instant(starts)}"
        return f"{column} {'<' if operator == '<=' else '>='} {self._instant(ends)}"

    def _instant(self, value: Any) -> str:
        return self._parameter(value, "timestamptz")

    def _text(self, attribute: AttributeType, column: str, operator: str, value: Value) -> str:
        assert isinstance(value, Text)
        wanted = self._parameter(attribute.folded(value.value), "text")
        return f"{wanted} = any({column})" if operator == "CONTAINS" else f"{column} = {wanted}"

    def _truth(self, attribute: AttributeType, column: str, operator: str, value: Value) -> str:
        assert isinstance(value, Truth)
        return f"{column} = {self._parameter(value.value, 'boolean')}"


_KINDS: dict[str, Callable[[_Compiler, AttributeType, str, str, Value], str]] = {
    NUMBER: _Compiler._number,
    MONEY: _Compiler._number,
    DATE: _Compiler._day,
    TRUTH: _Compiler._truth,
}
