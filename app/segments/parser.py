"""Reading a segment query: words to a tree, or what is wrong with it and where.

The grammar is the part of Shopify's segment language that we have: AND binds closer than OR, NOT closer than both.
Whether the names are known is looked at here only when the query cannot be read, because Shopify then tells both.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache

from app.segments.catalogue import ATTRIBUTES
from app.segments.lexer import END, Token, tokens
from app.segments.syntax import (
    Attribute,
    Clause,
    Day,
    Fault,
    Group,
    Node,
    Not,
    Number,
    Offset,
    QueryError,
    Text,
    Truth,
    Value,
)

# Shopify's own limit.
LONGEST = 5_000
# Deeper than anybody reads, and far from what Python's stack holds.
DEEPEST = 40
_RESERVED = frozenset({"AND", "OR", "NOT", "BETWEEN", "CONTAINS", "IS", "NULL", "IN", "TRUE", "FALSE", "TODAY"})


@lru_cache(maxsize=1024)
def parse(query: str) -> Node:
    """The tree of a query; raises QueryError."""
    if not query.strip():
        raise QueryError(Fault(1, 0, "the query is empty."))
    if len(query) > LONGEST:
        raise QueryError(Fault(1, LONGEST, f"the query is too long (maximum is {LONGEST} characters)."))
    return _Parser(query).whole()


class _Parser:
    def __init__(self, query: str) -> None:
        self._tokens = list(tokens(query))
        self._at = 0
        self._depth = 0
        self._named: list[Attribute] = []

    def whole(self) -> Node:
        """Everything, to the end."""
        node = self._any_of()
        if self._now.kind != END:
            raise self._unexpected()
        return node

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, keyword: str) -> bool:
        taken = self._now.keyword == keyword
        self._at += taken
        return taken

    def _unexpected(self) -> QueryError:
        token = self._now
        words = "the end of the query" if token.kind == END else f"'{token.text}'"
        unknown = [_not_found(attribute) for attribute in self._named if attribute.name not in ATTRIBUTES]
        return QueryError(Fault(*token.place, f"{words} is unexpected."), *unknown)

    def _any_of(self) -> Node:
        return self._group("OR", lambda: self._group("AND", self._one))

    def _group(self, word: str, part: Callable[[], Node]) -> Node:
        parts = [part()]
        while self._takes(word):
            parts.append(part())
        return Group(word, tuple(parts)) if len(parts) > 1 else parts[0]

    def _one(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise QueryError(Fault(*self._now.place, f"'{self._now.text}' is nested too deeply."))
        node = self._negation_or_clause()
        self._depth -= 1
        return node

    def _negation_or_clause(self) -> Node:
        if self._takes("NOT"):
            return Not(self._one())
        if self._now.text == "(" and self._now.kind == "bracket":
            self._next()
            node = self._any_of()
            self._bracket_ends()
            return node
        return self._clause()

    def _bracket_ends(self) -> None:
        if self._now.text != ")":
            raise self._unexpected()
        self._next()

    def _clause(self) -> Clause:
        if self._now.kind != "name" or self._now.keyword in _RESERVED:
            raise self._unexpected()
        token = self._next()
        attribute = Attribute(token.text, token.place)
        self._named.append(attribute)
        place = self._now.place
        operator = self._operator()
        return Clause(attribute, operator, self._values(operator), place)

    def _operator(self) -> str:
        if self._now.kind == "operator":
            return self._next().text
        if self._takes("BETWEEN"):
            return "BETWEEN"
        if self._takes("IS"):
            negated = self._takes("NOT")
            self._needs("NULL")
            return "IS NOT NULL" if negated else "IS NULL"
        negated = self._takes("NOT")
        self._needs("CONTAINS")
        return "NOT CONTAINS" if negated else "CONTAINS"

    def _needs(self, keyword: str) -> None:
        if not self._takes(keyword):
            raise self._unexpected()

    def _values(self, operator: str) -> tuple[Value, ...]:
        if operator.startswith("IS"):
            return ()
        first = self._value()
        if operator != "BETWEEN":
            return (first,)
        self._needs("AND")
        return (first, self._value())

    def _value(self) -> Value:
        token = self._now
        read = _VALUES.get(token.kind)
        if read is None or (token.kind == "name" and token.keyword not in {"TRUE", "FALSE", "TODAY"}):
            raise self._unexpected()
        try:
            value = read(token)
        except ValueError as error:
            raise QueryError(Fault(*token.place, f"'{token.text}' is not a date.")) from error
        self._next()
        return value


def _not_found(attribute: Attribute) -> Fault:
    return Fault(*attribute.place, f"'{attribute.name}' filter cannot be found.")


def _word(token: Token) -> Value:
    return Offset(0, "d", token.place) if token.keyword == "TODAY" else Truth(token.keyword == "TRUE", token.place)


def _ago(token: Token) -> Offset:
    count, unit, _ = token.text.split("_")
    return _offset(-int(count), unit[0], token)


def _offset(count: int, unit: str, token: Token) -> Offset:
    # Nothing from today is today, in whatever unit.
    return Offset(count, unit if count else "d", token.place)


_VALUES: dict[str, Callable[[Token], Value]] = {
    "number": lambda token: Number(Decimal(token.text), token.place),
    "text": lambda token: Text(re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL), token.place),
    "date": lambda token: Day(date.fromisoformat(token.text), token.place),
    "offset": lambda token: _offset(int(token.text[:-1]), token.text[-1], token),
    "ago": _ago,
    "name": _word,
}
