"""Connections: nodes, edges, page information and cursors over a list or over documents of the state.

Resolvers call `connection` with everything that could be on a page, in order. A cursor is base64 of the last id and its
sort value, the form the recordings show. Shopify's limits: first or last is needed, and neither above 250.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dev_store.graphql.errors import refusal

MOST = 250


def cursor(number: int | str) -> str:
    content = {"last_id": number, "last_value": str(number)}
    return b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def connection(
    items: Iterable[Any],
    *,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
    reverse: bool = False,
    key: Callable[[Any], int | str] = lambda item: item["id"],
    continues: bool = False,
) -> dict[str, Any]:
    """One page. Raises the top-level error of a missing or excessive size, or of a cursor that is none.

    `continues`: the items themselves begin after an earlier page.
    """
    _check_size(first, last)
    ordered: Sequence[Any] = list(items)
    if reverse:
        ordered = ordered[::-1]
    keys = [key(item) for item in ordered]
    start = _place(keys, after) + 1 if after else 0
    end = _place(keys, before) if before else len(ordered)
    window = ordered[start:end]
    page = window[:first] if first is not None else window[-last:] if last else []
    begin = start if first is not None else end - len(page)
    edges = [{"cursor": cursor(key(item)), "node": item} for item in page]
    return {
        "nodes": page,
        "edges": edges,
        "pageInfo": {
            "hasNextPage": begin + len(page) < len(ordered),
            "hasPreviousPage": begin > 0 or continues,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


def count(number: int, limit: int | None = 10_000) -> dict[str, Any]:
    """A `Count`: exact up to the limit, then "at least"."""
    if limit is not None and number > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": number, "precision": "EXACT"}


def _check_size(first: int | None, last: int | None) -> None:
    if first is None and last is None:
        raise refusal("you must provide one of first or last", "BAD_REQUEST")
    if first is not None and last is not None:
        raise refusal("providing both first and last is not supported", "BAD_REQUEST")
    for name, size in (("first", first), ("last", last)):
        if size is not None and size < 0:
            raise refusal(f"{name} must be greater than or equal to 0", "BAD_REQUEST")
        if size is not None and size > MOST:
            raise refusal(f"{name} cannot exceed {MOST}", "BAD_REQUEST")


def last_id(text: str) -> Any:
    """The id a cursor stands for. Raises the top-level error of a text that is no cursor."""
    try:
        return json.loads(b64decode(text))["last_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise refusal("Invalid cursor for current pagination sort.", "BAD_REQUEST") from error


def _place(keys: Sequence[int | str], text: str) -> int:
    """Where the cursor's item is, or would be if it has gone since."""
    last = last_id(text)
    if last in keys:
        return keys.index(last)
    below = [place for place, number in enumerate(keys) if str(number) < str(last)]
    return below[-1] if below else -1
