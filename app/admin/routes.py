"""Flask's side of the admin's table: who asks, session of the shop, handler, page. Every address of it is served here.

What must stay true: nothing of a shop is shown without a verified ID token; nothing is changed without one in the
`Authorization` header, which no other site can make a browser send; the same form sent twice has one effect.
"""

from functools import partial
from urllib.parse import urlencode, urlsplit

import structlog
from flask import Blueprint, Response, current_app, g, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import WWWAuthenticate

from app import runtime
from app.admin import serving
from app.admin.identity import Expired, NotAdmitted, admitted, presented
from app.admin.pages import any_admin, message, page
from app.admin.table import ACTIONS, PAGES, Action, Page
from app.admin.texts import DEFAULT, known_language
from app.admin.texts import gettext as _
from app.runtime import Runtime
from app.shopify.origin import NotAShop, frame_ancestors, in_admin, is_shop_domain, shop_domain
from app.shops import queries as shop_queries
from app.shops.opening import is_connected

log = structlog.get_logger()
blueprint = Blueprint("admin", __name__, template_folder="templates", static_folder="static", static_url_path="/assets")
# App Bridge repeats a fetch with a new ID token when it reads this.
RETRY_HEADER = "X-Shopify-Retry-Invalid-Session-Request"
# In the address of a page that got a new ID token once.
PATCHED = "patched"


def _look(entry: Page, **path: str | int) -> ResponseReturnValue:
    """A page: for whoever brings an ID token; else the way to one."""
    running = runtime.of(current_app)
    given = presented(request.headers.get("Authorization", ""), request.args)
    if given is None:
        return _without_token(running, entry)
    try:
        staff = admitted(running, given, request.args.get("shop"))
    except Expired as refusal:
        return _refused(refusal) if given.in_header or not _may_patch() else _to_patch()
    except NotAdmitted as refusal:
        return _refused(refusal)
    return serving.look(running, staff, entry, path)


def _act(entry: Action, **path: str | int) -> ResponseReturnValue:
    """A change: only by a fetch that carries the token, from a page of our own."""
    running = runtime.of(current_app)
    given = presented(request.headers.get("Authorization", ""), {})
    try:
        if given is None:
            raise NotAdmitted(_("You are not signed in"), _("Open the app again from the Shopify admin."))
        _refuse_foreign_page(running)
        staff = admitted(running, given, None)
    except NotAdmitted as refusal:
        return _refused(refusal)
    return serving.act(running, staff, entry, path)


def _refuse_foreign_page(running: Runtime) -> None:
    """The token proves who asks; where the browser says which page asks, it has to be one of ours as well.

    Our pages send no referrer; for such ones browsers may say `null`, and beside it whether the origin is the same.
    """
    origin = request.headers.get("Origin")
    own = urlsplit(running.settings.app_url)
    named = origin in (None, f"{own.scheme}://{own.netloc}", request.host_url.rstrip("/"))
    if not named and not (origin == "null" and request.headers.get("Sec-Fetch-Site") == "same-origin"):
        raise NotAdmitted(_("This did not come from Perennial"), _("Nothing was changed."), status=403)


@blueprint.before_request
def _choose_language() -> None:
    """Until the member of staff is known, the page speaks as Shopify's admin does, or the browser."""
    told = known_language(request.args.get("locale"))
    g.language = told or known_language(request.accept_languages.best) or DEFAULT


@blueprint.after_request
def _keep_assets(response: Response) -> Response:
    """What is asked for by its digest never changes."""
    if request.endpoint == "admin.static" and request.args.get("v") and response.status_code == 200:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


@blueprint.get("/patch-id-token")
def patch_id_token() -> Response:
    """A page with nothing on it but App Bridge, which opens the address in `shopify-reload` with a new ID token."""
    running = runtime.of(current_app)
    return page("admin/patch.html", ancestors=_ancestors(running, request.args.get("shop", "")))


def _may_patch() -> bool:
    """A browser that loads a page, and has not just been there: clocks that disagree must not send it in circles."""
    return "Sec-Fetch-Dest" in request.headers and PATCHED not in request.args


def _to_patch() -> ResponseReturnValue:
    """Only the path is repeated, without what a token said: an address that leads elsewhere cannot be given."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in ("id_token", "hmac")]
    if "id_token" in request.args:
        kept.append((PATCHED, "1"))
    reload = request.path + (f"?{urlencode(kept)}" if kept else "")
    named = {name: request.args[name] for name in ("shop", "host", "embedded", "locale") if name in request.args}
    return redirect(f"/patch-id-token?{urlencode({**named, 'shopify-reload': reload})}")


def _ancestors(running: Runtime, text: str) -> str:
    return frame_ancestors(running.settings, text) if is_shop_domain(text) else any_admin(running.settings)


def _without_token(running: Runtime, entry: Page) -> ResponseReturnValue:
    """Nothing of the shop is shown without an ID token."""
    if "shop" in request.args and entry.path == "/":
        return _asked_for_shop(running, request.args["shop"])
    if entry.path == "/" and request.headers.get("Sec-Fetch-Dest") != "iframe":
        return message(_("This is Perennial"), _("Open it from the Apps page of your Shopify admin."))
    return _to_patch()


def _asked_for_shop(running: Runtime, text: str) -> ResponseReturnValue:
    """The way in for a shop that is only named. OAuth's page cannot be framed, so a frame gets a link."""
    try:
        domain = shop_domain(text)
    except NotAShop:
        title = _("This is not a Shopify shop")
        return message(title, _("Open the app from the Shopify admin."), status=400)
    with running.database.system() as session:
        shop = shop_queries.shop_by_domain(session, domain)
    framed = request.args.get("embedded") == "1"
    if shop is not None and is_connected(running.settings, shop):
        if framed:
            return _to_patch()
        said = _("Your Shopify admin tells Perennial who you are. Find it there under Apps.")
        link = (in_admin(running.settings, domain), _("Open"))
        return message(_("Open Perennial from the Shopify admin"), said, link=link)
    if framed:
        link = (f"/auth?shop={domain}", _("Install"))
        ancestors = frame_ancestors(running.settings, domain)
        said = _("Shopify will ask for your approval.")
        return message(_("Install Perennial"), said, ancestors=ancestors, link=link)
    return redirect(f"/auth?shop={domain}")


def _refused(refusal: NotAdmitted) -> Response:
    response = message(refusal.title, refusal.text, status=refusal.status, ancestors=refusal.ancestors)
    if refusal.status == 401:
        response.www_authenticate = WWWAuthenticate("bearer", {"realm": "Perennial"})
        if "Authorization" in request.headers:
            response.headers[RETRY_HEADER] = "1"
    return response


# Names of endpoints, which may hold no dots.
for _number, _page in enumerate(PAGES):
    blueprint.add_url_rule(_page.path, f"page-{_number}", partial(_look, _page), methods=["GET"])
for _number, _action in enumerate(ACTIONS):
    blueprint.add_url_rule(_action.path, f"action-{_number}", partial(_act, _action), methods=["POST"])
