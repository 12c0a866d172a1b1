"""Every refusal below /api/v1 as a problem document (RFC 9457). `routes.py` registers these as its error handlers."""

import traceback
import uuid

import orjson
import structlog
from flask import Response
from werkzeug.exceptions import HTTPException

from app.errors import Problem, Unavailable

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
_KINDS = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
_DETAILS = {
    404: "There is no such address. GET /api/v1/openapi.json lists what there is.",
    413: "The body is larger than this operation takes.",
}


class UnsupportedMediaType(Problem):
    """The body is not called JSON."""

    status, kind, title = 415, "unsupported-media-type", "The body has to be JSON"


class TooManyRequests(Problem):
    """The key asks faster than it may."""

    status, kind, title = 429, "too-many-requests", "Too many requests"


def of_problem(problem: Problem) -> Response:
    """The answer to a refusal that a service or the API itself raised."""
    answer = Response(orjson.dumps(problem.document()), problem.status, content_type=MEDIA_TYPE)
    if problem.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="perennial"'
    if "retry_after" in problem.extra:
        answer.headers["Retry-After"] = str(problem.extra["retry_after"])
    return answer


def of_http(error: HTTPException) -> Response:
    """The answer to what Flask itself refuses: unknown address, wrong method, body too large or cut off."""
    status = error.code or 500
    problem = Problem(
        _DETAILS.get(status) or error.description or error.name, kind=_KINDS.get(status, "invalid-request")
    )
    problem.status, problem.title = status, error.name
    answer = of_problem(problem)
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            answer.headers[name] = value
    return answer


def of_database(error: Exception) -> Response:
    """The database is away. A commit whose answer was lost may have happened; the Idempotency-Key makes trying safe."""
    log.warning("api without database", error=type(error).__name__)
    return of_problem(
        Unavailable("The database did not answer. Try again shortly, with the same Idempotency-Key.", retry_after=1)
    )


def of_bug(error: Exception) -> Response:
    """Our fault. The log holds where it happened; never the message, which may quote rows of the database."""
    incident = str(uuid.uuid4())
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("api request failed", incident=incident, error=type(error).__name__, where=where)
    return of_problem(Problem("This is a bug of ours. The log names it by its incident.", incident=incident))
