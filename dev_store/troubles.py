"""How a fault of `faults` looks on the wire. `oauth` and `graphql.routes` pass their work through `meet`."""

import socket
import time
from collections.abc import Callable

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from dev_store.faults import Fault, Kind

Work = Callable[[], ResponseReturnValue]


class AnswerLost(ConnectionError):
    """Where no socket can be cut (Flask's test client) the caller meets this instead of silence."""


def meet(fault: Fault | None, work: Work) -> ResponseReturnValue:
    """Does the work and answers, unless the fault says otherwise. Others than those below are the work's own affair."""
    if fault is None:
        return work()
    return _TROUBLES.get(fault.kind, _undisturbed)(fault, work)


def _undisturbed(_fault: Fault, work: Work) -> ResponseReturnValue:
    return work()


def _too_many_requests(_fault: Fault, _work: Work) -> ResponseReturnValue:
    body = {
        "errors": "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service."
    }
    return jsonify(body), 429, {"Retry-After": "2.0"}


def _server_error(_fault: Fault, _work: Work) -> ResponseReturnValue:
    return jsonify({"errors": "Internal Server Error"}), 500


def _refused_whole(status: int, words: str) -> Callable[[Fault, Work], ResponseReturnValue]:
    """Everything is refused, whatever was asked."""

    def refuse(_fault: Fault, _work: Work) -> ResponseReturnValue:
        return jsonify({"errors": words}), status

    return refuse


def _revoked(fault: Fault, work: Work) -> ResponseReturnValue:
    """At the token endpoint the grant is refused, at the API the token."""
    if request.path.endswith("/access_token"):
        return _invalid_grant(fault, work)
    return jsonify({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}), 401


def _invalid_grant(_fault: Fault, _work: Work) -> ResponseReturnValue:
    return jsonify({"error": "invalid_grant", "error_description": "The token was revoked"}), 400


def _timeout_before(fault: Fault, _work: Work) -> ResponseReturnValue:
    return _hang_up(fault)


def _timeout_after(fault: Fault, work: Work) -> ResponseReturnValue:
    work()
    return _hang_up(fault)


def _delay(fault: Fault, work: Work) -> ResponseReturnValue:
    time.sleep(fault.seconds)
    return work()


def _hang_up(fault: Fault) -> ResponseReturnValue:
    """Closes the caller's connection without a byte, after keeping it waiting for the fault's seconds."""
    time.sleep(fault.seconds)
    connection = request.environ.get("werkzeug.socket")
    if connection is None:
        raise AnswerLost("the connection was closed before an answer was sent")
    connection.shutdown(socket.SHUT_RDWR)
    return "", 204


_TROUBLES: dict[Kind, Callable[[Fault, Work], ResponseReturnValue]] = {
    Kind.TOO_MANY_REQUESTS: _too_many_requests,
    Kind.SERVER_ERROR: _server_error,
    Kind.INVALID_GRANT: _invalid_grant,
    Kind.TIMEOUT_BEFORE: _timeout_before,
    Kind.TIMEOUT_AFTER: _timeout_after,
    Kind.DELAY: _delay,
    Kind.UNAVAILABLE: _refused_whole(503, "Service Unavailable"),
    Kind.FROZEN: _refused_whole(402, "This shop's plan does not have access to this feature"),
    Kind.LOCKED: _refused_whole(423, "Locked"),
    Kind.CLOSED: _refused_whole(404, "Not Found"),
    Kind.REVOKED: _revoked,
}
