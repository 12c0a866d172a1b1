"""Switchable, counted troubles of the Admin API and the token endpoint: a test meets exactly those it asked for.

`PUT /_dev/faults` (below) fills the list, `graphql.routes` and `oauth` take from it. A fault that was taken `times`
times is gone. `operation` is the GraphQL operation's name, the token endpoint's grant (`authorization_code`,
`token_exchange`, `refresh_token`), or `*`.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue

blueprint = Blueprint("faults", __name__)


class Kind(StrEnum):
    """What goes wrong. The two timeouts close the connection without an answer: before or after the work was done.

    `frozen`, `locked` and `closed` refuse everything by their status (402, 423, 404), `revoked` refuses the token (401;
    at the token endpoint the grant). `partial` does the work and leaves part of its answer out, with an error;
    `withheld` nulls personal fields, as for an app without access to protected customer data.
    """

    THROTTLED = "throttled"
    TOO_MANY_REQUESTS = "429"
    SERVER_ERROR = "500"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    DELAY = "delay"
    INVALID_GRANT = "invalid_grant"
    UNAVAILABLE = "503"
    FROZEN = "frozen"
    LOCKED = "locked"
    CLOSED = "closed"
    REVOKED = "revoked"
    PARTIAL = "partial"
    WITHHELD = "withheld"


class FaultError(Exception):
    """A fault that cannot be switched on; the message says why."""


@dataclass(frozen=True)
class Fault:
    """`shop` None means every shop; `seconds` is the delay, or how long a timeout keeps the caller waiting."""

    operation: str
    kind: Kind
    times: int = 1
    shop: str | None = None
    seconds: float = 0.0

    def meets(self, shop: str, operation: str) -> bool:
        return self.operation in ("*", operation) and self.shop in (None, shop)


class Faults:
    """The faults still to come; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def replace(self, faults: Iterable[Fault]) -> None:
        """Forgets all faults and waits for these."""
        with self._lock:
            self._waiting = [fault for fault in faults if fault.times > 0]

    def take(self, shop: str, operation: str) -> Fault | None:
        """The first fault that meets this call, counted down; None when all goes well."""
        with self._lock:
            for place, fault in enumerate(self._waiting):
                if fault.meets(shop, operation):
                    self._waiting[place : place + 1] = (
                        [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                    )
                    return fault
        return None

    def waiting(self) -> list[dict[str, Any]]:
        with self._lock:
            return [vars(fault) for fault in self._waiting]


def parse(entry: Any) -> Fault:
    """One entry of the request's list. Raises FaultError for an unknown kind or key."""
    try:
        return Fault(**{**entry, "kind": Kind(str(entry["kind"]).lower()), "operation": entry.get("operation", "*")})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        kinds = ", ".join(Kind)
        raise FaultError(f"not a fault: {error}; wanted operation, kind ({kinds}), times, shop, seconds") from error


@blueprint.route("/_dev/faults", methods=["GET", "PUT"])
def switch_faults() -> ResponseReturnValue:
    """PUT {"faults": [...]} replaces the waiting faults; both methods answer with those that wait."""
    faults: Faults = current_app.extensions["dev_store"].faults
    if request.method == "PUT":
        try:
            faults.replace([parse(entry) for entry in request.get_json().get("faults", [])])
        except FaultError as error:
            return jsonify({"error": str(error)}), 400
    return jsonify({"faults": faults.waiting()})
