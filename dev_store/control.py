"""The control plane under `/_dev`: verbs of the shops, switches of the delivery, the clock, the store's own figures.

JSON in and out, for the command line, the demo and tests; Shopify has nothing like it. An answer is {"result": …} or
{"error": text, "reason": …}: 404 for what does not exist, 422 for what the shop's rules forbid, 400 for nonsense.
"""

from collections.abc import Callable
from datetime import timedelta
from inspect import Parameter, signature
from typing import Any

import orjson
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from dev_store.clock import Clock
from dev_store.commerce import VERBS, Commerce, open_shop
from dev_store.config import ConfigError
from dev_store.figures import figures
from dev_store.refusals import CheckoutRefused, RefusalError, Unknown
from dev_store.spoken import MalformedError, instant, spoken
from dev_store.state import Document
from dev_store.store import current_store

blueprint = Blueprint("control", __name__, url_prefix="/_dev")

_LISTS = {
    "orders": "order",
    "customers": "customer",
    "refunds": "refund",
    "products": "product",
    "collections": "collection",
    "discounts": "discount",
}


@blueprint.errorhandler(RefusalError)
def _refused(error: RefusalError) -> ResponseReturnValue:
    return jsonify(_answer_of(error)), 404 if isinstance(error, Unknown) else 422


@blueprint.errorhandler(MalformedError)
@blueprint.errorhandler(ConfigError)
def _malformed(error: Exception) -> ResponseReturnValue:
    return jsonify({"error": str(error)}), 400


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What can be asked here."""
    return jsonify({"shops": current_store().state.shops(), "verbs": sorted(VERBS), "lists": sorted(_LISTS)})


@blueprint.get("/shops")
def shops() -> ResponseReturnValue:
    return jsonify({"shops": current_store().state.shops()})


@blueprint.post("/shops")
def make_shop() -> ResponseReturnValue:
    """{"domain", "name", "currency", "timezone", …} as `commerce.open_shop` takes them."""
    store, body = current_store(), _body()
    at = instant(body.pop("at", None), store.clock)
    domain = body.pop("domain", None)
    if not isinstance(domain, str) or not domain.endswith(".myshopify.com"):
        raise MalformedError("domain must be a full myshopify domain such as demo.myshopify.com")
    document = _called(lambda: open_shop(store.state, domain, at=at, **{"name": domain.split(".")[0], **body}))
    return jsonify({"result": document["id"]}), 201


@blueprint.post("/shops/<shop>/<verb>")
def do(shop: str, verb: str) -> ResponseReturnValue:
    """One verb of the shop; `at` defaults to the store's clock, `id` stands for the verb's first argument."""
    store = current_store()
    return jsonify({"result": _perform(store.commerce(shop), {**_body(), "verb": verb}, store.clock)})


@blueprint.post("/shops/<shop>/batch")
def do_all(shop: str) -> ResponseReturnValue:
    """Many verbs in one transaction; each answers for itself, and one that is refused leaves the others alone."""
    store = current_store()
    commerce, results = store.commerce(shop), list[dict[str, Any]]()
    with store.state.transaction():
        for entry in _body().get("verbs", []):
            try:
                results.append({"result": _perform(commerce, entry, store.clock)})
            except (RefusalError, MalformedError) as error:
                results.append(_answer_of(error))
    return jsonify({"results": results})


@blueprint.get("/shops/<shop>/figures")
def show_figures(shop: str) -> ResponseReturnValue:
    store = current_store()
    return jsonify(figures(store.state, store.commerce(shop).shop_document()))


@blueprint.get("/shops/<shop>/<kinds>")
def show_documents(shop: str, kinds: str) -> ResponseReturnValue:
    """Raw documents, private keys included, in id order: ?after=<id>&limit=<1..250>."""
    if kinds not in _LISTS:
        raise Unknown(f"there is no list of {kinds}; there are {', '.join(sorted(_LISTS))}")
    after, limit = request.args.get("after", type=int), request.args.get("limit", 100, type=int)
    found = current_store().state.page(shop, _LISTS[kinds], after, max(1, min(limit, 250)))
    return jsonify({"data": found, "next": found[-1]["id"] if found else None})


@blueprint.route("/delivery", methods=["GET", "PUT"])
def switches() -> ResponseReturnValue:
    """The switches of the webhook delivery; PUT changes those it names."""
    delivery = current_store().delivery
    if request.method == "PUT":
        delivery.change(_body())
    return jsonify(delivery.settings())


@blueprint.get("/delivery/stats")
def delivery_stats() -> ResponseReturnValue:
    return jsonify(current_store().delivery.stats())


@blueprint.get("/delivery/lost")
def lost() -> ResponseReturnValue:
    """What was dropped since the store was started."""
    return jsonify({"data": current_store().delivery.lost()})


@blueprint.post("/delivery/drain")
def drain() -> ResponseReturnValue:
    """Waits until nothing is left to send, {"timeout_seconds": 60} at most; {"hurry": true} makes retries due now."""
    delivery, body = current_store().delivery, _body()
    if body.get("hurry"):
        delivery.hurry()
    empty = delivery.drain(_called(lambda: float(body.get("timeout_seconds", 60))))
    return jsonify({"empty": empty, **delivery.stats()})


@blueprint.route("/clock", methods=["GET", "PUT"])
def clock() -> ResponseReturnValue:
    """{"offset_seconds": n} from the machine's time, or {"now": RFC 3339} to be there now."""
    own = current_store().clock
    if request.method == "PUT":
        body = _body()
        if "now" in body:
            own.shift(instant(body["now"], own) - own.now() + own.offset)
        else:
            own.shift(_called(lambda: timedelta(seconds=float(body.get("offset_seconds", 0)))))
    return jsonify({"now": own.now().isoformat(), "offset_seconds": own.offset.total_seconds()})


def _body() -> dict[str, Any]:
    """The request's JSON object, whatever its content type says; no body is an empty object."""
    raw = request.get_data()
    try:
        body = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError as error:
        raise MalformedError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise MalformedError("the body must be a JSON object")
    return body


def _perform(commerce: Commerce, entry: Document, own: Clock) -> Any:
    name = entry.get("verb")
    if name not in VERBS:
        raise Unknown(f"{name} is no verb of a shop; there are {', '.join(sorted(VERBS))}")
    method: Callable[..., Any] = getattr(commerce, name)
    wanted = spoken(method, {key: value for key, value in entry.items() if key != "verb"}, own)
    # JSON names every argument; a parameter that Python takes by position only is told apart here.
    known = signature(method).parameters.items()
    placed = [wanted.pop(key) for key, kind in known if kind.kind is Parameter.POSITIONAL_ONLY and key in wanted]
    return _called(lambda: method(*placed, **wanted))


def _called(call: Callable[[], Any]) -> Any:
    """Types are not declared over HTTP, so what Python itself refuses is the caller's mistake."""
    try:
        return call()
    except (TypeError, ValueError, ArithmeticError, KeyError) as error:
        raise MalformedError(f"the verb cannot be called like this: {error}") from error


def _answer_of(error: Exception) -> dict[str, Any]:
    reason = error.reason if isinstance(error, CheckoutRefused) else type(error).__name__
    return {"error": str(error), "reason": reason}
