"""The words of a segment query with their places. Never raises: what is no word is a token of its own, kind `other`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WORDS = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<date>\d{4}-\d{2}-\d{2}(?![\w-]))
  | (?P<ago>\d+_(?:day|week|month|year)s?_ago\b)
  | (?P<offset>[+-]\d+[dwmy]\b)
  | (?P<number>[+-]?\d+(?:\.\d+)?(?!\w))
  | (?P<text>'(?:[^'\\]|\\.)*')
  | (?P<name>[A-Za-z_][A-Za-z0-9_.]*)
  | (?P<operator><=|>=|!=|=|<|>)
  | (?P<bracket>[()])
  | (?P<other>\w+|.)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
END = "end"


@dataclass(frozen=True)
class Token:
    """A word as it was written. `place` is its line, from 1, and its column, from 0."""

    kind: str
    text: str
    place: tuple[int, int]

    @property
    def keyword(self) -> str:
        """Keywords are the same in capitals and small letters."""
        return self.text.upper() if self.kind == "name" else ""


def tokens(query: str) -> Iterator[Token]:
    """Every word of a query, and a last one of kind `end`."""
    line, start = 1, 0
    for found in _WORDS.finditer(query):
        kind = str(found.lastgroup)
        if kind != "space":
            yield Token(kind, found.group(), (line, found.start() - start))
        breaks = found.group().count("\n")
        if breaks:
            line, start = line + breaks, found.start() + found.group().rindex("\n") + 1
    yield Token(END, "", (line, len(query) - start))
