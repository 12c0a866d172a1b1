"""Whether a query that can be read makes sense: names, operators and values, against the catalogue.

Words of faults are Shopify's where recordings of it have them (unknown filters, operators); the others follow its form.
"""

from collections.abc import Iterator
from functools import lru_cache

from app.segments.catalogue import ATTRIBUTES, DATE, LIST, MONEY, NUMBER, TEXT, TRUTH, WORD, AttributeType
from app.segments.parser import parse
from app.segments.syntax import Clause, Day, Fault, Node, Number, Offset, QueryError, Text, Truth, Value, clauses

_TAKES: dict[str, tuple[type, ...]] = {
    NUMBER: (Number,),
    MONEY: (Number,),
    DATE: (Day, Offset),
    WORD: (Text,),
    TEXT: (Text,),
    LIST: (Text,),
    TRUTH: (Truth,),
}
# Beyond these no shop has had customers, and calendars end.
_YEARS = range(1900, 3000)
_MOST_OFFSET = {"d": 36_525, "w": 5_218, "m": 1_200, "y": 100}
# What a bigint of minor units holds, whatever the currency's decimals.
_LARGEST = 10**15


@lru_cache(maxsize=1024)
def read(query: str) -> Node:
    """The tree of a query that makes sense; raises QueryError with every fault."""
    node = parse(query)
    faults = [fault for clause in clauses(node) for fault in _faults(clause)]
    if faults:
        raise QueryError(*faults)
    return node


def _faults(clause: Clause) -> Iterator[Fault]:
    attribute = ATTRIBUTES.get(clause.attribute.name)
    if attribute is None:
        yield Fault(*clause.attribute.place, f"'{clause.attribute.name}' filter cannot be found.")
    elif clause.operator not in attribute.operators:
        yield Fault(*clause.place, f"{attribute.name} does not support operator '{clause.operator}'")
    else:
        for value in clause.values:
            reason = _reason(attribute, value)
            if reason:
                yield Fault(*value.place, f"{value} {reason}")


def _reason(attribute: AttributeType, value: Value) -> str | None:
    if not isinstance(value, _TAKES[attribute.kind]):
        return f"is not a value of {attribute.name}."
    if isinstance(value, Text) and attribute.words and value.value not in attribute.words:
        return f"is not a value of {attribute.name}: {', '.join(attribute.words)}."
    if isinstance(value, Text) and "\x00" in value.value:
        return "has a character that no text has."
    whole = isinstance(value, Number) and value.value == value.value.to_integral_value()
    if attribute.kind == NUMBER and not whole:
        return f"is not a whole number, as {attribute.name} is."
    return None if _in_range(value) else "is out of range."


def _in_range(value: Value) -> bool:
    if isinstance(value, Number):
        return abs(value.value) <= _LARGEST
    if isinstance(value, Day):
        return value.value.year in _YEARS
    return not isinstance(value, Offset) or abs(value.count) <= _MOST_OFFSET[value.unit]
