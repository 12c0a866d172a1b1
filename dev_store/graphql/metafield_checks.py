"""What metafieldsSet refuses, entry by entry. Codes are the schema's; recorded is the limit, the rest documented."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from dev_store.graphql.errors import user_error
from dev_store.state import Document

MOST = 25
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_STALE = "The resource has been updated since it was loaded. Try again with an updated `compareDigest` value."


def problems(
    wanted: dict[str, Any], held: Document | None, place: str, *, owner_is_known: bool
) -> list[dict[str, Any]]:
    """User errors of one entry; `held` is the metafield it would replace."""

    def error(field: str | None, message: str, code: str) -> dict[str, Any]:
        path = ["metafields", place, field] if field else ["metafields", place]
        return user_error(path, message, code, elementIndex=None)

    if not owner_is_known:
        return [error("ownerId", "Owner does not exist", "INVALID")]
    if "compareDigest" in wanted and wanted["compareDigest"] != (held and held["compare_digest"]):
        return [error(None, _STALE, "STALE_OBJECT")]
    found = [error(*problem) for problem in _name_problems(wanted)]
    kind: str | None = wanted.get("type") or (held["type"] if held else None)
    if kind is None:
        return [*found, error("type", "Type can't be blank", "BLANK")]
    if kind not in TYPES and not (kind.startswith("list.") and kind[5:] in TYPES):
        return [*found, error("type", f"Type must be one of the following: {', '.join(TYPES)}.", "INCLUSION")]
    if held and kind != held["type"]:
        message = f"Type '{kind}' does not match the type of the existing metafield, '{held['type']}'"
        return [*found, error("type", message, "INVALID_TYPE")]
    if problem := _value_problem(kind, wanted["value"]):
        found.append(error("value", *problem))
    return found


def _name_problems(wanted: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = []
    for field, least, most in (("namespace", 3, 255), ("key", 2, 64)):
        value = wanted.get(field)
        if value is None:
            continue
        label = field.capitalize()
        if len(value) < least:
            found.append((field, f"{label} is too short (minimum is {least} characters)", "TOO_SHORT"))
        elif len(value) > most:
            found.append((field, f"{label} is too long (maximum is {most} characters)", "TOO_LONG"))
        elif not _NAME.match(value.removeprefix("$app:").removeprefix("$")):
            found.append((field, f"{label} contains one or more invalid characters.", "INVALID"))
    return found


def _value_problem(kind: str, value: str) -> tuple[str, str] | None:
    if value == "":
        return "Value can't be blank.", "BLANK"
    message, check = TYPES["json"] if kind.startswith("list.") else TYPES[kind]
    try:
        sound = check(value)
    except (ValueError, InvalidOperation, KeyError, TypeError):
        sound = False
    return None if sound else (message, "INVALID_VALUE")


def _is_integer(value: str) -> bool:
    return abs(int(value)) <= 2**53 - 1


def _is_object(*keys: str) -> Callable[[str], bool]:
    return lambda value: set(keys) <= set(json.loads(value))


def _is_any(_value: str) -> bool:
    return True


def _is_json(value: str) -> bool:
    json.loads(value)
    return True


def _is_day(value: str) -> bool:
    return bool(date.fromisoformat(value))


def _is_moment(value: str) -> bool:
    return bool(datetime.fromisoformat(value))


TYPES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "boolean": ("Value must be true or false.", lambda value: value in ("true", "false")),
    "color": ("Value must be a hex color code.", lambda value: bool(re.match(r"#[0-9A-Fa-f]{6}\Z", value))),
    "customer_reference": ("Value must be a valid customer reference.", lambda value: value.startswith("gid://")),
    "date": ("Value must be in YYYY-MM-DD format.", _is_day),
    "date_time": ("Value must be in “YYYY-MM-DDTHH:MM:SS” format.", _is_moment),
    "id": ("Value must be an id.", _is_any),
    "json": ("Value is invalid JSON.", _is_json),
    "link": ("Value must be a link.", _is_object("url")),
    "money": ("Value must be money.", _is_object("amount", "currency_code")),
    "multi_line_text_field": ("Value must be text.", _is_any),
    "number_decimal": ("Value must be a decimal.", lambda value: Decimal(value).is_finite()),
    "number_integer": ("Value must be an integer.", _is_integer),
    "product_reference": ("Value must be a valid product reference.", lambda value: value.startswith("gid://")),
    "rating": ("Value must be a rating.", _is_object("value", "scale_min", "scale_max")),
    "rich_text_field": ("Value is invalid JSON.", _is_json),
    "single_line_text_field": ("Value must be a single line text string.", lambda value: "\n" not in value),
    "url": ("Value must be a url.", lambda value: "://" in value),
}
