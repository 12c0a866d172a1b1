"""What can go wrong between us and Shopify, told apart by what the caller may do about it.

`kind` is the advice: `retry` (later), `reauthorise` (the merchant has to open the app), `give_up` (Shopify said no, and
will say no again), `bug` (our request is wrong). Messages hold no token, no variable and no answer's body.
"""

from collections.abc import Sequence
from typing import Any, Literal

from app.jobs import Postponed

Kind = Literal["retry", "reauthorise", "give_up", "bug"]


class ShopifyError(Exception):
    """A call to Shopify that did not give what was asked."""

    kind: Kind = "bug"


class Unavailable(ShopifyError):
    """Surely not executed, or only a read: the same call may simply be made again, after `wait` seconds."""

    kind = "retry"

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class Throttled(Unavailable):
    """The shop's bucket of cost points is empty; `wait` seconds fill it far enough."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"throttled, try again in {wait:.1f} s", wait)


class ShopPaused(Unavailable, Postponed):
    """The shop cannot be used at present: frozen, locked, closed, or its currency changed. Nothing was executed.

    `reason` is the word kept on the shop (app.shops.connection); a job that meets it comes again after `wait` seconds
    without having failed.
    """

    def __init__(self, reason: str, wait: float = 300.0) -> None:
        super().__init__(f"the shop is paused: {reason}", wait)
        self.reason = reason


class OutcomeUnknown(ShopifyError):
    """A mutation that may have taken effect: look up what became of it before doing anything again."""

    kind = "retry"


class Unauthorised(ShopifyError):
    """Shopify refuses our tokens, and refreshing did not help."""

    kind = "reauthorise"


class ShopGone(ShopifyError):
    """The shop has uninstalled the app."""

    kind = "give_up"


class Rejected(ShopifyError):
    """Shopify did not understand or did not allow the operation; `errors` are its words, `codes` its error codes."""

    def __init__(self, errors: Sequence[Any]) -> None:
        self.errors = list(errors)
        self.codes = frozenset(code for error in self.errors if (code := error_code(error)))
        super().__init__(f"rejected: {', '.join(sorted(self.codes)) or 'invalid operation'}")
        if "ACCESS_DENIED" in self.codes:
            self.kind = "reauthorise"


class UserErrors(ShopifyError):
    """The mutation ran and refused the input: each error has `field`, `message` and mostly `code`."""

    kind = "give_up"

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        self.errors = list(errors)
        self.codes = frozenset(str(error["code"]) for error in self.errors if error.get("code"))
        super().__init__(f"refused: {', '.join(sorted(self.codes)) or 'without a code'}")


class OAuthRefused(ShopifyError):
    """The token endpoint said no; `error` is OAuth's word, such as invalid_grant or invalid_subject_token."""

    kind = "reauthorise"

    def __init__(self, error: str) -> None:
        super().__init__(f"token request refused: {error}")
        self.error = error


def error_code(error: Any) -> str | None:
    """`extensions.code` of an entry of GraphQL's `errors`."""
    extensions = error.get("extensions") if isinstance(error, dict) else None
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return str(code) if code else None
