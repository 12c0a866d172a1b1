"""Errors that have an answer for the caller: RFC 9457 problem documents.

Services raise them, the API and the other doors turn them into `application/problem+json`. `kind` is stable and what
programs compare; `detail` is for people and says what to do.
"""

from typing import Any


class Problem(Exception):
    """A refusal with an HTTP status, a stable kind and a sentence that helps."""

    status = 500
    kind = "internal-error"
    title = "Something went wrong on our side"

    def __init__(self, detail: str, *, kind: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.kind = kind or self.kind
        self.extra = extra

    def document(self) -> dict[str, Any]:
        """The problem document (RFC 9457)."""
        return {
            "type": f"urn:perennial:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
        }


class Invalid(Problem):
    """The request cannot be understood; sending it again unchanged will not help."""

    status, kind, title = 400, "invalid-request", "The request is not valid"


class Unauthorised(Problem):
    """No identity, or one that cannot be verified."""

    status, kind, title = 401, "unauthorised", "Authentication is needed"


class Forbidden(Problem):
    """A known identity that may not do this."""

    status, kind, title = 403, "forbidden", "This is not allowed"


class NotFound(Problem):
    """Nothing of that name in this shop; other shops' things are not found either."""

    status, kind, title = 404, "not-found", "Not found"


class Conflict(Problem):
    """The state does not allow it now."""

    status, kind, title = 409, "conflict", "The request conflicts with the present state"


class Unprocessable(Problem):
    """Well formed, but it breaks a rule of the program."""

    status, kind, title = 422, "unprocessable", "The request cannot be carried out"


class Unavailable(Problem):
    """A part we need is away; trying again later helps."""

    status, kind, title = 503, "unavailable", "Temporarily unavailable"
