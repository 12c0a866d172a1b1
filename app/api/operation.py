"""The vocabulary of the API: an operation of the table, the call that reaches its handler, the answer it gives back.

Handlers take a Call and return an Answer; they know nothing of Flask and never commit.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.api.checks import Schema, require_known_keywords
from app.api.inbox import Inbox
from app.crypto import KeyRing
from app.shops.models import Shop


@dataclass(frozen=True)
class Call:
    """One checked request, inside the session of its shop."""

    session: Session
    shop: Shop
    keyring: KeyRing
    inbox: Inbox
    actor: str
    operation_id: str
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    # The id of whatever this call creates: from the Idempotency-Key when there is one, else random.
    request_id: str


@dataclass(frozen=True)
class Answer:
    """Status and JSON body of a success."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """A query parameter. Its schema checks the value after an integer was read as one."""

    name: str
    description: str
    schema: Schema


@dataclass(frozen=True)
class Operation:
    """A row of the table: it routes, checks and documents one method of one address."""

    method: str
    path: str
    handler: Callable[[Call], Answer]
    summary: str
    # Status of each success and the name of its body's schema.
    answers: Mapping[int, str]
    description: str = ""
    query: tuple[Parameter, ...] = ()
    body: Schema | None = None
    # Bytes; only files are larger.
    largest_body: int = 64 * 1024
    # Statuses of refusals that only some operations have; the rest is common to all (openapi.py).
    refusals: tuple[int, ...] = field(default=())

    def __post_init__(self) -> None:
        for schema in (self.body or {}, *(parameter.schema for parameter in self.query)):
            require_known_keywords(schema)

    @property
    def id(self) -> str:
        """Name of the operation in the document, in cursors and of the Flask endpoint."""
        return self.handler.__name__

    @property
    def path_names(self) -> list[str]:
        """Names of the path's parameters, in order."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def writes(self) -> bool:
        """Whether an Idempotency-Key means something."""
        return self.method != "GET"
