"""Global ids: `gid://shopify/<Type>/<number>`. Every resolver module makes and reads them here."""

import re
from typing import Any

from dev_store.graphql.errors import invalid_id

_FORM = re.compile(r"gid://shopify/(?P<type>[A-Za-z]+)/(?P<number>[0-9]+)(\?.*)?\Z")


def gid(type_name: str, number: int | str) -> str:
    return f"gid://shopify/{type_name}/{number}"


def split(text: str) -> tuple[str, int] | None:
    """('Customer', 1) out of a global id; None when it is none."""
    form = _FORM.match(text)
    return (form["type"], int(form["number"])) if form else None


def number_of(text: Any, *type_names: str) -> int:
    """The number of a global id of one of these types. Any other id is the top-level error Shopify answers."""
    parts = split(str(text))
    if parts is None or parts[0] not in type_names:
        raise invalid_id(str(text))
    return parts[1]


def number_or_none(text: Any, *type_names: str) -> int | None:
    """The number, or None where Shopify reports a wrong id as not found."""
    parts = split(str(text))
    return parts[1] if parts and parts[0] in type_names else None
