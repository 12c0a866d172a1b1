"""The GraphQL operations, one file each in `operations/`, named as the operation is, in snake case.

Every file is validated in tests against Shopify's published schema, without deprecations and within the scopes we ask
for; a mutation selects its user errors. `client` sends them by name; nothing else writes GraphQL.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "operations"
_HEAD = re.compile(r"^(query|mutation)\s+([A-Za-z0-9]+)", re.MULTILINE)


@dataclass(frozen=True)
class Operation:
    """A named document; `changes` says whether it is a mutation, which must never be repeated blindly."""

    name: str
    text: str
    changes: bool


@cache
def load(name: str) -> Operation:
    """The operation of this name, such as `DiscountCodeBasicCreate`. Raises KeyError when there is none."""
    path = FOLDER / f"{_snake_case(name)}.graphql"
    if not path.exists():
        raise KeyError(f"no operation {name}: {path.name} is missing")
    operation = parse(path.read_text(encoding="utf-8"))
    if operation.name != name:
        raise KeyError(f"{path.name} holds {operation.name}, not {name}")
    return operation


def parse(text: str) -> Operation:
    """One document with one named operation."""
    heads = _HEAD.findall(text)
    if len(heads) != 1:
        raise ValueError("a document holds exactly one named operation")
    [(keyword, name)] = heads
    return Operation(name=name, text=text, changes=keyword == "mutation")


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
