"""From JSON to a verb's arguments: instants, order lines, ids as keys. Used by the control plane."""

from collections.abc import Callable
from datetime import UTC, datetime
from inspect import signature
from typing import Any

from dev_store.clock import Clock
from dev_store.commerce import OrderLine


class MalformedError(Exception):
    """The request does not say what is to be done; the message says why."""


def instant(text: Any, clock: Clock) -> datetime:
    """RFC 3339 with an offset (none means UTC); None is the store's present."""
    if text is None:
        return clock.now()
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise MalformedError(f"{text!r} is no instant such as 2026-01-31T12:00:00Z") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def spoken(method: Callable[..., Any], body: dict[str, Any], clock: Clock) -> dict[str, Any]:
    """The keyword arguments of a verb; `id` names its first parameter, lines become OrderLine, keys of maps ids."""
    wanted = dict(body)
    if "id" in wanted:
        wanted[next(iter(signature(method).parameters))] = wanted.pop("id")
    wanted["at"] = instant(wanted.get("at"), clock)
    for field in ("lines", "add", "remove"):
        if field in wanted:
            wanted[field] = _lines(wanted[field])
    return wanted


def _lines(value: Any) -> Any:
    try:
        if isinstance(value, dict):
            return {int(line_id): int(pieces) for line_id, pieces in value.items()}
        return [OrderLine(**{**line, "price": str(line["price"])}) for line in value or []]
    except (TypeError, KeyError, ValueError) as error:
        raise MalformedError(f"lines are a list of objects, or a map from line id to pieces: {error}") from error
