"""Lists in pages: {"data": […], "next": cursor|null}, walked by key, never by offset.

A cursor carries the key of the last row and a mark of the list it belongs to (address and filters). Rows that are added
while somebody walks do not move the others, so each row that was there at the start comes exactly once.
"""

import base64
import binascii
import hashlib
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import orjson

from app.api.operation import Answer, Call
from app.api.queries import LARGEST_ID
from app.errors import Invalid

Row = TypeVar("Row")
Key = list[int | str]

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200


def limit_of(call: Call) -> int:
    """How many rows the caller wants."""
    return int(call.query.get("limit", DEFAULT_LIMIT))


def page(
    call: Call, rows: Sequence[Row], show: Callable[[Row], dict[str, Any]], key_of: Callable[[Row], Key]
) -> Answer:
    """One page out of rows that were read up to one beyond the limit: the extra row only says that there is more."""
    limit = limit_of(call)
    shown = rows[:limit]
    following = encode(call, key_of(shown[-1])) if len(rows) > limit else None
    return Answer(200, {"data": [show(row) for row in shown], "next": following})


def encode(call: Call, key: Key) -> str:
    """The cursor after a row."""
    return base64.urlsafe_b64encode(orjson.dumps([_mark(call), *key])).rstrip(b"=").decode()


def after(call: Call, *parsers: Callable[[Any], Any]) -> list[Any] | None:
    """The key in the caller's cursor, None on the first page; raises Invalid for a cursor that is not of this list.

    A cursor is not signed: whoever forges one can at most start his own list elsewhere. The parsers refuse what no key
    can be.
    """
    cursor = call.query.get("cursor")
    if cursor is None:
        return None
    try:
        mark, *key = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if mark != _mark(call):
            raise ValueError("a cursor of another list")
        return [parse(part) for parse, part in zip(parsers, key, strict=True)]
    except (binascii.Error, ValueError, TypeError) as error:
        raise Invalid("The cursor is not one of this list. Start without one.", kind="invalid-cursor") from error


def row_id(part: Any) -> int:
    """A bigint key."""
    if isinstance(part, int) and 0 < part <= LARGEST_ID:
        return part
    raise ValueError("not an id")


def instant_key(part: Any) -> datetime:
    """An instant with its zone."""
    instant = datetime.fromisoformat(part)
    if instant.tzinfo is None:
        raise ValueError("not an instant")
    return instant


def uuid_key(part: Any) -> str:
    """A UUID."""
    if isinstance(part, str):
        return str(uuid.UUID(part))
    raise ValueError("not a UUID")


def _mark(call: Call) -> str:
    filters = {name: value for name, value in call.query.items() if name not in {"cursor", "limit"}}
    scope = orjson.dumps([call.operation_id, dict(call.path), filters], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(scope).hexdigest()[:8]
