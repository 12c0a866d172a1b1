"""A segment query as data: what `parser` makes of its words, and the words of it again.

Values are compared without their places, so that printing and reading gives an equal tree. Whether names and values
make sense is the business of `checking`; nothing here knows an attribute.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

# Of a node that nobody has written: one made by a program.
NOWHERE = (1, 0)


@dataclass(frozen=True)
class Fault:
    """Something wrong at a place. Lines count from 1, columns from 0, as Shopify counts them."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        """In Shopify's form; `segmentCreate` puts "Query " before it."""
        return f"Line {self.line} Column {self.column}: {self.message}"


class QueryError(ValueError):
    """A query that is not one; `faults` in the order in which Shopify tells them, never empty."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(str(faults[0]))
        self.faults = faults


@dataclass(frozen=True)
class Number:
    """`3`, `-100.50`"""

    value: Decimal
    place: tuple[int, int] = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        return f"{self.value:f}"


@dataclass(frozen=True)
class Text:
    """`'vip'`; a quotation mark or a backslash inside has a backslash before it."""

    value: str
    place: tuple[int, int] = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"


@dataclass(frozen=True)
class Truth:
    """`true`, `false`"""

    value: bool
    place: tuple[int, int] = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True)
class Day:
    """`2026-01-31`, a day of the shop's calendar."""

    value: date
    place: tuple[int, int] = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        return self.value.isoformat()


@dataclass(frozen=True)
class Offset:
    """`-30d`, `+1y`, `90_days_ago`, `today`: a day so many days, weeks, months or years (d w m y) from today."""

    count: int
    unit: str
    place: tuple[int, int] = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        return f"{self.count:+d}{self.unit}" if self.count else "today"


Value = Number | Text | Truth | Day | Offset


@dataclass(frozen=True)
class Attribute:
    """What a clause is about. Shopify's filters with arguments would carry them here."""

    name: str
    place: tuple[int, int] = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Clause:
    """`attribute operator values`. Operators: = != < <= > >= BETWEEN CONTAINS NOT CONTAINS, IS NULL, IS NOT NULL."""

    attribute: Attribute
    operator: str
    values: tuple[Value, ...] = ()
    # Of the operator.
    place: tuple[int, int] = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        return " ".join(
            [str(self.attribute), self.operator, *([" AND ".join(map(str, self.values))] * bool(self.values))]
        )


@dataclass(frozen=True)
class Not:
    """`NOT part`"""

    part: "Node"

    def __str__(self) -> str:
        return f"NOT {_inner(self.part)}"


@dataclass(frozen=True)
class Group:
    """Two parts or more, joined by AND or by OR."""

    word: str
    parts: tuple["Node", ...]

    def __str__(self) -> str:
        return f" {self.word} ".join(_inner(part) for part in self.parts)


Node = Clause | Not | Group


def _inner(node: Node) -> str:
    return f"({node})" if isinstance(node, Group) else str(node)


def clauses(node: Node) -> tuple[Clause, ...]:
    """Every clause, in the order in which they are written."""
    if isinstance(node, Clause):
        return (node,)
    parts = node.parts if isinstance(node, Group) else (node.part,)
    return tuple(clause for part in parts for clause in clauses(part))
