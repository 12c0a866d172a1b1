"""How the Admin API says no: top-level errors with a code, and `userErrors` inside a payload."""

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

NOT_IMPLEMENTED = "NOT_IMPLEMENTED"


def refusal(message: str, code: str, **extensions: Any) -> GraphQLError:
    """A top-level error of one field: the field becomes null, `extensions.code` says why."""
    return GraphQLError(message, extensions={"code": code, **extensions})


def invalid_id(text: str) -> GraphQLError:
    """An id of another type, or none at all."""
    return refusal(f"Invalid id: {text}", "RESOURCE_NOT_FOUND")


def not_implemented(type_name: str, field_name: str) -> GraphQLError:
    """Rather no answer than an invented one."""
    return refusal(f"not implemented in the dev store: {type_name}.{field_name}", NOT_IMPLEMENTED)


def user_error(field: Sequence[str] | None, message: str, code: str | None = None, **more: Any) -> dict[str, Any]:
    """One entry of `userErrors`; `code` is there for the payload types that have one."""
    return {"field": list(field) if field is not None else None, "message": message, "code": code, **more}
