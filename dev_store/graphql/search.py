r"""Shopify's search syntax, as far as the dev store answers it: `status:active title:'Win back' updated_at:>=…`.

`parse` makes terms out of a query string, `matches` asks them of an object through a table of field readers. A term
without a field looks into the default text; a field the table does not know is ignored, as Shopify does (it warns).
Supported: AND (also by a blank), OR, leading - or NOT, comparisons, ranges by two terms, `*` at the end, quotes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Reader = Callable[[Any], Any]

_TOKEN = re.compile(
    r"""\s*(?P<not>-|NOT\s+)?(?:(?P<field>[A-Za-z_.]+):(?P<sign>>=|<=|>|<)?)?"""
    r"""(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s()]+)"""
)


@dataclass(frozen=True)
class Term:
    """One condition: `field` None looks into the default text."""

    field: str | None
    sign: str
    value: str
    negated: bool

    def meets(self, item: Any, readers: Mapping[str, Reader]) -> bool:
        if self.field is None:
            return self._found_in(readers["default"](item)) != self.negated
        reader = readers.get(self.field)
        return True if reader is None else self._found_in(reader(item)) != self.negated

    def _found_in(self, held: Any) -> bool:
        if isinstance(held, list | tuple):
            return any(self._found_in(one) for one in held)
        if held is None:
            return False
        if isinstance(held, datetime | int | float) and not isinstance(held, bool):
            return self._compares(held)
        text, wanted = str(held).lower(), self.value.lower()
        if self.field is None:
            return wanted.rstrip("*") in text
        return text.startswith(wanted[:-1]) if wanted.endswith("*") else text == wanted

    def _compares(self, held: Any) -> bool:
        try:
            wanted: Any = _instant(self.value) if isinstance(held, datetime) else float(self.value)
        except ValueError:
            return False
        checks = {">=": held >= wanted, "<=": held <= wanted, ">": held > wanted, "<": held < wanted}
        return bool(checks.get(self.sign, held == wanted))


def parse(text: str | None) -> list[list[Term]]:
    """Alternatives of conditions: an item is found if all terms of any inner list meet it."""
    alternatives: list[list[Term]] = [[]]
    for match in _TOKEN.finditer((text or "").replace("(", " ").replace(")", " ")):
        bare = match["field"] is None
        if bare and match["value"] == "OR":
            alternatives.append([])
        elif not (bare and match["value"] == "AND"):
            value = match["value"]
            value = re.sub(r"\\(.)", r"\1", value[1:-1] if value[0] in "'\"" else value)
            alternatives[-1].append(Term(match["field"], match["sign"] or "", value, bool(match["not"])))
    return alternatives


def matches(alternatives: list[list[Term]], item: Any, readers: Mapping[str, Reader]) -> bool:
    """`readers` maps a field of the search to what the item holds there; `default` is the text of bare words."""
    return any(all(term.meets(item, readers) for term in terms) for terms in alternatives)


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
