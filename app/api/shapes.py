"""What schemas are made of: primitive shapes, objects whose members are all there, pages. JSON Schema 2020-12."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

SHOPIFY_ID = "^[1-9][0-9]{0,18}$"
UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
# Neither control characters nor blanks alone: it is shown in one line, and PostgreSQL takes no NUL.
ONE_LINE = r"^[^\u0000-\u001f\u007f]*[^\u0000-\u0020\u007f][^\u0000-\u001f\u007f]*$"

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
WHOLE: Schema = {"type": "integer"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
INSTANT_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
ID: Schema = {"type": "string", "pattern": SHOPIFY_ID, "description": "A 64-bit number as a string."}
UUID_TEXT: Schema = {"type": "string", "format": "uuid"}


def reference(name: str) -> Schema:
    """A component by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(members: Mapping[str, Schema], **more: Any) -> Schema:
    """An object whose members are all there."""
    return {"type": "object", "required": list(members), "properties": dict(members), **more}


def page_of(name: str) -> Schema:
    """A page of a list of components."""
    following = {**TEXT_OR_NULL, "description": "Give it back as `cursor` for the next page; null on the last."}
    return record({"data": {"type": "array", "items": reference(name)}, "next": following})
