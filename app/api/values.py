"""Values in requests that JSON Schema cannot check for us: instants, days, long ids. Refused as the checks refuse."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from app.api.operation import Call
from app.api.queries import LARGEST_ID
from app.errors import Invalid, NotFound


def refused(pointer: str, detail: str) -> Invalid:
    """A refusal that names the place."""
    return Invalid(f"{pointer} {detail}.", errors=[{"pointer": pointer, "detail": detail}])


def instant(values: Mapping[str, Any], name: str, prefix: str = "/") -> datetime | None:
    """An instant with its offset, in UTC; None when it is absent or null. Raises Invalid."""
    value = values.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None and 1900 <= found.year < 2200:
            return found.astimezone(UTC)
    except ValueError:
        pass
    raise refused(f"{prefix}{name}", "must be an instant with an offset, such as 2026-12-01T00:00:00Z")


def needed_instant(values: Mapping[str, Any], name: str) -> datetime:
    """An instant that the schema demands."""
    found = instant(values, name)
    if found is None:
        raise refused(f"/{name}", "must be an instant")
    return found


def day(values: Mapping[str, Any], name: str) -> date | None:
    """A calendar day; None for null. Raises Invalid."""
    if values[name] is None:
        return None
    try:
        return date.fromisoformat(values[name])
    except ValueError as error:
        raise refused(f"/{name}", "must be a day of the calendar, such as 1990-02-28") from error


def path_id(call: Call, name: str) -> int:
    """An id of the address; raises NotFound for one that no bigint can hold."""
    number = int(call.path[name])
    if number > LARGEST_ID:
        raise NotFound(f"This shop has nothing of the id {number}.")
    return number


@contextmanager
def complaints_by_place(member: str, whole: str) -> Iterator[None]:
    """What the reader of a member complains of, as a JSON pointer each; `whole` is what it calls the member itself."""
    try:
        yield
    except Invalid as refusal:
        complaints = refusal.extra.get("errors", [])
        if complaints and isinstance(complaints[0], str):
            refusal.extra["errors"] = [_by_place(member, whole, complaint) for complaint in complaints]
        raise


def _by_place(member: str, whole: str, complaint: str) -> dict[str, str]:
    path, _, detail = complaint.partition(" ")
    steps = [] if path == whole else re.split(r"[.\[]", path.replace("]", ""))
    return {"pointer": "/".join(["", member, *steps]), "detail": detail}
