"""/api/v1: Flask's side of the table of operations. Key, rate, checks, session of the shop, handler, answer.

Whatever goes wrong below /api/v1 is answered as a problem document, unknown addresses and our own bugs included.
"""

from collections.abc import Mapping
from functools import partial

import orjson
from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from app import runtime as runtimes
from app.api import idempotency, inbox, openapi, problems
from app.api.auth import Caller, authenticate, presented_digest
from app.api.idempotency import Outcome
from app.api.operation import Call, Operation
from app.api.rate import TokenBuckets
from app.api.reading import read, receive
from app.api.table import OPERATIONS
from app.errors import Forbidden, Problem, Unauthorised, Unprocessable
from app.metrics import api_requests
from app.runtime import Runtime
from app.shops.models import Shop

PREFIX = "/api/v1"
BUCKETS = "perennial.api.buckets"

blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
blueprint.register_error_handler(Problem, problems.of_problem)
blueprint.register_error_handler(HTTPException, problems.of_http)
blueprint.register_error_handler(OperationalError, problems.of_database)
blueprint.register_error_handler(InterfaceError, problems.of_database)
blueprint.register_error_handler(PoolTimeout, problems.of_database)
blueprint.register_error_handler(Exception, problems.of_bug)


@blueprint.record
def _own_buckets(state: BlueprintSetupState) -> None:
    state.app.extensions.setdefault(BUCKETS, TokenBuckets())


@blueprint.before_app_request
def _refuse_unrouted() -> Response | None:
    """Answer addresses and methods that nobody serves; Flask would ask the whole application's handlers, not ours."""
    error = request.routing_exception
    ours = request.path == PREFIX or request.path.startswith(f"{PREFIX}/")
    if not ours or error is None or isinstance(error, RequestRedirect):
        return None
    return _finish(problems.of_http(error))


@blueprint.after_request
def _finish(answer: Response) -> Response:
    api_requests.labels(f"{answer.status_code // 100}xx").inc()
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _serve(operation: Operation, **path: str) -> Response:
    runtime = runtimes.of(current_app)
    presented = _paced()
    receive(request, operation)
    try:
        return _response(_answered(runtime, operation, presented, path))
    except _Refused as refused:
        with runtime.database.shop(refused.shop_id) as session:
            return _response(idempotency.refused(session, refused.shop_id, refused.key, refused.digest, refused.why))


class _Refused(Exception):
    """A rule has refused the request of an Idempotency-Key, which is to be remembered."""

    def __init__(self, shop_id: int, key: str, digest: bytes, why: Unprocessable) -> None:
        super().__init__()
        self.shop_id, self.key, self.digest, self.why = shop_id, key, digest, why


def _answered(runtime: Runtime, operation: Operation, presented: bytes, path: Mapping[str, str]) -> Outcome:
    # One session finds the key and then works for its shop alone: two would cost each request half as much again.
    with runtime.database.system() as session:
        caller = _admit(session, presented)
        runtime.database.confine(session, caller.shop_id)
        asked = read(request, operation, path)
        key = idempotency.checked_key(request.headers.get("Idempotency-Key")) if operation.writes else None
        call = Call(
            session=session,
            shop=_shop(session, caller),
            keyring=runtime.keyring,
            inbox=current_app.extensions[inbox.EXTENSION],
            actor=caller.actor,
            operation_id=operation.id,
            path=path,
            query=asked.query,
            body=asked.body,
            request_id=idempotency.derived_id(caller.shop_id, key),
        )
        return _run(operation, call, key)


def _run(operation: Operation, call: Call, key: str | None) -> Outcome:
    work = partial(operation.handler, call)
    if key is None:
        return Outcome.of(work())
    digest = idempotency.request_digest(operation.method, request.path, call.body)
    try:
        return idempotency.once(call.session, call.shop.id, key, digest, work)
    except Unprocessable as why:
        raise _Refused(call.shop.id, key, digest, why) from why


def _paced() -> bytes:
    """The digest of the key presented, unless it asks too often: that comes first, because it costs nothing."""
    presented = presented_digest(request.headers.get("Authorization"))
    wait = _buckets().take(presented)
    if wait:
        raise problems.TooManyRequests("This key asks too fast. Wait a moment.", retry_after=wait)
    return presented


def _admit(session: Session, presented: bytes) -> Caller:
    try:
        return authenticate(session, presented)
    except Unauthorised:
        _buckets().forget(presented)
        raise


def _buckets() -> TokenBuckets:
    buckets: TokenBuckets = current_app.extensions[BUCKETS]
    return buckets


def _shop(session: Session, caller: Caller) -> Shop:
    shop = session.get_one(Shop, caller.shop_id)
    if shop.state != "installed":
        raise Forbidden("This shop has uninstalled Perennial. Its key works again after a reinstall.")
    return shop


def _response(outcome: Outcome) -> Response:
    media_type = problems.MEDIA_TYPE if outcome.status >= 400 else "application/json"
    answer = Response(outcome.body, outcome.status, content_type=media_type)
    if outcome.repeated:
        answer.headers["Idempotent-Replayed"] = "true"
    return answer


@blueprint.get("/openapi.json")
def get_document() -> Response:
    """The document; public, because it holds nothing of any shop."""
    return Response(orjson.dumps(openapi.document()), content_type="application/json")


for _operation in OPERATIONS:
    blueprint.add_url_rule(
        _operation.path.replace("{", "<").replace("}", ">"),
        endpoint=_operation.id,
        view_func=partial(_serve, _operation),
        methods=[_operation.method],
    )
