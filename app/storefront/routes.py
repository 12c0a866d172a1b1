"""/proxy: what a shop's storefront asks, through Shopify's app proxy (`/apps/perennial/…` of the shop).

Every answer is small JSON that no one may store, never a page: whatever goes wrong, a visitor of the shop sees the
theme's own words. `{"error": kind}` with its status stands for every refusal.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import structlog
from flask import Blueprint, Flask, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from app import runtime as runtimes
from app.api.checks import Schema, faults
from app.customers.queries import account_of_customer
from app.errors import Invalid, NotFound, Problem, Unauthorised
from app.popups import counting
from app.popups.sign_up import GONE, LATER, Answer, Wish
from app.referrals.service import member_codes
from app.storefront import joining
from app.storefront.admission import Admission, require_installed
from app.storefront.members import members
from app.storefront.signed import Signed
from app.storefront.together import SignUps

log = structlog.get_logger()

PREFIX = "/proxy"
ADMISSION = "perennial.storefront.admission"
SIGN_UPS = "perennial.storefront.sign_ups"
LARGEST_BODY = 4_000
_KINDS = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
_POPUP = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
_NOTE = {"type": ["string", "null"], "maxLength": 1_000}
_SIGN_UP: Schema = {
    "type": "object",
    "properties": {
        "popup": _POPUP,
        "email": {"type": "string", "maxLength": 1_000},
        "company": _NOTE,
        "consent": _NOTE,
        "language": _NOTE,
        "page": _NOTE,
        "how": _NOTE,
        "ref": _NOTE,
    },
    "required": ["popup", "email"],
    "additionalProperties": False,
}
_SEEN: Schema = {
    "type": "object",
    "properties": {"popup": _POPUP, "closed": {"type": "boolean"}},
    "required": ["popup", "closed"],
    "additionalProperties": False,
}
_NOTHING: Schema = {"type": "object", "properties": {}, "additionalProperties": False}

blueprint = Blueprint("storefront", __name__, url_prefix=PREFIX)


@blueprint.record
def _own_memory(state: BlueprintSetupState) -> None:
    assert isinstance(state.app, Flask)
    runtime = runtimes.of(state.app)
    state.app.extensions.setdefault(ADMISSION, Admission(runtime))
    state.app.extensions.setdefault(SIGN_UPS, SignUps(runtime))


@blueprint.post("/sign-up")
def post_sign_up() -> Response:
    """A visitor gives an address: {"state": "code" | "later" | "invalid", "code"?}."""
    _, shop_id = _admitted()
    body = _body(_SIGN_UP)
    sign_ups: SignUps = current_app.extensions[SIGN_UPS]
    # Only programs fill in what people do not see. They are thanked like everybody.
    answer = Answer(LATER) if body.get("company") else sign_ups.sign_up(shop_id, _wish(body))
    if answer.state == GONE:
        raise NotFound("This popup is not shown any more.", kind="popup-gone")
    return _json({"state": answer.state} | ({"code": answer.code} if answer.code else {}))


@blueprint.get("/member")
def get_member() -> Response:
    """The points of the customer who has logged in, as of now; 401 when nobody has."""
    with _visitor() as (session, signed, shop_id):
        account = account_of_customer(session, shop_id, _customer(signed))
        # A customer we have not heard of yet has no points, like the account that no one has.
        return _member(session, shop_id, account or 0)


@blueprint.post("/join")
def post_join() -> Response:
    """Makes the customer who has logged in a member, and answers as /member does; 401 when nobody has."""
    with _visitor() as (session, signed, shop_id):
        customer = _customer(signed)
        _body(_NOTHING)
        return _member(session, shop_id, joining.join(session, shop_id, customer))


def _customer(signed: Signed) -> int:
    if signed.customer_id is None:
        raise Unauthorised("Nobody has logged in.", kind="not-logged-in")
    return signed.customer_id


def _member(session: Session, shop_id: int, account: int) -> Response:
    if account:
        member_codes(session, shop_id, [account])
    return _json(members(session, shop_id, [account])[account].value)


@blueprint.post("/seen")
def post_seen() -> Response:
    """A popup was shown, and perhaps closed."""
    with _visitor() as (session, _, shop_id):
        body = _body(_SEEN)
        counting.note_view(session, shop_id, int(body["popup"]), closed=body["closed"])
    return _json({"state": "noted"})


@contextmanager
def _visitor() -> Iterator[tuple[Session, Signed, int]]:
    """The session of the shop that a request was signed for; commits at the end."""
    signed, shop_id = _admitted()
    with runtimes.of(current_app).database.shop(shop_id) as session:
        require_installed(session, shop_id)
        yield session, signed, shop_id


def _admitted() -> tuple[Signed, int]:
    """What was signed, and the shop's id; all of the body is here then, before a connection is held."""
    request.max_content_length = LARGEST_BODY
    admission: Admission = current_app.extensions[ADMISSION]
    admitted = admission.admit(request.query_string.decode("latin-1"), request.headers.get("X-Forwarded-For", ""))
    request.get_data()
    return admitted


def _body(schema: Schema) -> dict[str, Any]:
    try:
        body: dict[str, Any] = orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        raise Invalid("The body has to be JSON.") from None
    if any(faults(body, schema)):
        raise Invalid("The body is not what is asked for here.")
    return body


def _wish(body: dict[str, Any]) -> Wish:
    return Wish(
        popup_id=int(body["popup"]),
        email=body["email"],
        consent=body.get("consent"),
        language=body.get("language"),
        page=body.get("page"),
        how=body.get("how"),
        ref=body.get("ref"),
    )


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, content_type="application/json")


@blueprint.after_request
def _finish(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@blueprint.before_app_request
def _refuse_unrouted() -> Response | None:
    """Addresses and methods below /proxy that nobody serves; Flask would answer with a page."""
    error = request.routing_exception
    if not isinstance(error, HTTPException) or not f"{request.path}/".startswith(f"{PREFIX}/"):
        return None
    return _finish(_of_http(error))


@blueprint.errorhandler(Problem)
def _of_problem(problem: Problem) -> Response:
    answer = _json({"error": problem.kind}, problem.status)
    if "retry_after" in problem.extra:
        answer.headers["Retry-After"] = str(problem.extra["retry_after"])
    return answer


@blueprint.errorhandler(HTTPException)
def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    status = status if status >= 400 else 404
    return _json({"error": _KINDS.get(status, "invalid-request")}, status)


@blueprint.errorhandler(OperationalError)
@blueprint.errorhandler(InterfaceError)
@blueprint.errorhandler(PoolTimeout)
def _of_database(error: Exception) -> Response:
    log.warning("storefront without database", error=type(error).__name__)
    return _json({"error": "unavailable"}, 503)


# Whatever we did wrong, the shop's page must get an answer that it can read; the log says where it happened.
@blueprint.errorhandler(Exception)
def _of_bug(error: Exception) -> Response:
    log.error("storefront request failed", error=type(error).__name__, exc_info=error)
    return _json({"error": "internal-error"}, 500)
