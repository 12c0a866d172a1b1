"""/proxy: what a shop's storefront asks, through Shopify's app proxy (`/apps/perennial/…` of the shop).

Sign-ups have a door of their own (`door`); here it is a route for servers that know no event loop.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from app import runtime as runtimes
from app.api.checks import Schema
from app.customers.queries import account_of_customer
from app.errors import Unauthorised
from app.loop_thread import LoopThread
from app.popups import counting
from app.referrals.service import member_codes
from app.storefront import joining
from app.storefront.admission import Admission, require_installed
from app.storefront.answers import Said, refused, said
from app.storefront.door import LARGEST_BODY, POPUP, SignUpDoor, checked
from app.storefront.members import members
from app.storefront.signed import Signed
from app.storefront.together import SignUps

PREFIX, SIGN_UP = "/proxy", "/sign-up"
ADMISSION = "perennial.storefront.admission"
SIGN_UPS = "perennial.storefront.sign_ups"
LOOP = "perennial.storefront.loop"
_KINDS = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
_SEEN: Schema = {
    "type": "object",
    "properties": {"popup": POPUP, "closed": {"type": "boolean"}},
    "required": ["popup", "closed"],
    "additionalProperties": False,
}
_NOTHING: Schema = {"type": "object", "properties": {}, "additionalProperties": False}

blueprint = Blueprint("storefront", __name__, url_prefix=PREFIX)


@blueprint.record
def _own_memory(state: BlueprintSetupState) -> None:
    assert isinstance(state.app, Flask)
    runtime = runtimes.of(state.app)
    admission = Admission(runtime)
    state.app.extensions.setdefault(ADMISSION, admission)
    state.app.extensions.setdefault(
        SIGN_UPS, SignUpDoor(admission, SignUps(runtime), mails=runtime.settings.mail is not None)
    )
    state.app.extensions.setdefault(LOOP, LoopThread("sign-ups"))


@blueprint.post(SIGN_UP)
def post_sign_up() -> Response:
    """A visitor gives an address."""
    request.max_content_length = LARGEST_BODY
    door: SignUpDoor = current_app.extensions[SIGN_UPS]
    loop: LoopThread = current_app.extensions[LOOP]
    return _response(loop.run(door.answer(_query(), _forwarded_for(), _arrived(request.get_data()))))


async def _arrived(raw: bytes) -> AsyncIterator[bytes]:
    yield raw


def _query() -> str:
    return request.query_string.decode("latin-1")


def _forwarded_for() -> str:
    return request.headers.get("X-Forwarded-For", "")


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
    signed = admission.check(_query(), _forwarded_for())
    request.get_data()
    return signed, admission.shop_id(signed.shop)


def _body(schema: Schema) -> dict[str, Any]:
    return checked(request.get_data(), schema)


def _response(answer: Said) -> Response:
    return Response(answer.body, answer.status, answer.headers)


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return _response(said(body, status))


@blueprint.before_app_request
def _refuse_unrouted() -> Response | None:
    """Addresses and methods below /proxy that nobody serves; Flask would answer with a page."""
    error = request.routing_exception
    if not isinstance(error, HTTPException) or not f"{request.path}/".startswith(f"{PREFIX}/"):
        return None
    return _of_http(error)


@blueprint.errorhandler(HTTPException)
def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    status = status if status >= 400 else 404
    return _json({"error": _KINDS.get(status, "invalid-request")}, status)


# Whatever we did wrong, the shop's page must get an answer that it can read; the log says where it happened.
@blueprint.errorhandler(Exception)
def _of_error(error: Exception) -> Response:
    return _response(refused(error))
