"""Between an admitted request and its answer: session of the shop, handler, template; for actions one effect a form.

`routes.py` calls this once it is known who asks. A page is rendered inside its session. An action runs in a transaction
with the answer kept for its form's key, so that a double click, or a repetition after a lost answer, changes nothing
more; whatever is refused is shown on the page of its form again, with everything that was typed.
"""

import secrets
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from typing import Any

import orjson
from flask import Response, current_app, g, request
from sqlalchemy.orm import Session

from app import runtime
from app.admin import languages
from app.admin.forms import Form, Refused
from app.admin.identity import Staff
from app.admin.pages import page
from app.admin.table import NAVIGATION, Action, Looked, Page
from app.admin.texts import LANGUAGES, Formats
from app.admin.texts import gettext as _
from app.admin.visit import Done, File, View, Visit
from app.admin.wording import in_words
from app.api import idempotency
from app.api import inbox as inboxes
from app.api.operation import Answer
from app.errors import Conflict, Invalid, Problem
from app.runtime import Runtime
from app.shops import queries

Path = Mapping[str, str | int]


def look(running: Runtime, staff: Staff, entry: Page, path: Path) -> Response:
    """The page of an address."""
    try:
        with running.database.shop(staff.shop_id) as session:
            visit = _visit(running, session, staff)
            return _shown(visit, staff, entry.look(visit, **path))
    except Problem as problem:
        return _not_possible(running, staff, problem)


def act(running: Runtime, staff: Staff, entry: Action, path: Path) -> Response:
    """The effect of a form: where to go from here, or its page once more with what is wrong."""
    form = Form(dict(request.form.lists()))
    try:
        done = _carried_out(running, staff, entry, path, form)
    except Refused as refusal:
        return _again(running, staff, entry, path, form, refusal.text)
    except Invalid as refusal:
        return _again(running, staff, entry, path, form, in_words(refusal))
    except Problem as refusal:
        if refusal.status in (403, 404):
            return _not_possible(running, staff, refusal)
        return _again(running, staff, entry, path, form, in_words(refusal))
    return _at_its_address(done) if isinstance(done, Response) else _gone_on(done)


def _carried_out(running: Runtime, staff: Staff, entry: Action, path: Path, form: Form) -> Done | Response:
    if not form.given("key"):
        raise Refused(_("This form is incomplete. Open the page again."))
    # Apart from the keys of the API, whatever a browser sends as one.
    key = "admin:" + sha256(f"{staff.user_id}:{form.given('key')}".encode()).hexdigest()
    digest = idempotency.request_digest("POST", request.path, dict(form.values))
    once: list[Response] = []
    with running.database.shop(staff.shop_id) as session:
        visit = _visit(running, session, staff, form, idempotency.derived_id(staff.shop_id, key))
        work = partial(_work, visit, staff, entry, path, once)
        try:
            outcome = idempotency.once(session, staff.shop_id, key, digest, work)
        except Conflict as error:
            if error.kind != "request-in-progress":
                raise
            raise Refused(_("This is being saved already. Look at the page again in a moment.")) from error
    answer = orjson.loads(outcome.body)
    if outcome.status >= 400:
        raise Refused(in_words(Problem(answer["detail"], kind=answer["type"].rpartition(":")[2])))
    return once[0] if once else Done(answer["to"], answer["said"])


def _work(visit: Visit, staff: Staff, entry: Action, path: Path, once: list[Response]) -> Answer:
    done = entry.do(visit, **path)
    if done.once is not None:
        once.append(_shown(visit, staff, done.once))
    return Answer(200, {"to": done.to, "said": str(done.said)})


def _again(running: Runtime, staff: Staff, entry: Action, path: Path, form: Form, text: str) -> Response:
    """The transaction of the attempt is gone; the page is made in a new one."""
    try:
        with running.database.shop(staff.shop_id) as session:
            visit = _visit(running, session, staff, form)
            answer = _shown(visit, staff, entry.again(visit, **path), status=422, refused=text)
            return _at_its_address(answer)
    except Problem as problem:
        return _not_possible(running, staff, problem)


def _at_its_address(answer: Response) -> Response:
    """The answer to a form has no address of its own: htmx keeps that of the page with the form."""
    answer.headers["HX-Push-Url"] = "false"
    return answer


def _gone_on(done: Done) -> Response:
    """No page, but the way to the next one, for htmx; and what to say there."""
    onward = {"path": done.to, "target": "#page", "select": "#page", "swap": "outerHTML show:window:top"}
    response = Response(status=204)
    response.headers["HX-Location"] = _ascii(onward)
    response.headers["HX-Trigger"] = _ascii({"perennial:said": {"text": str(done.said), "target": "body"}})
    response.headers["Cache-Control"] = "no-store"
    return response


def _ascii(value: Mapping[str, Any]) -> str:
    """JSON that fits into a header, whatever language it speaks."""
    return "".join(one if one < "\x7f" else _escaped(one) for one in orjson.dumps(value).decode())


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _visit(running: Runtime, session: Session, staff: Staff, form: Form | None = None, request_id: str = "") -> Visit:
    g.language = languages.of_staff(session, staff.shop_id, staff.user_id, request.args.get("locale")) or g.language
    return Visit(
        session=session,
        shop=queries.shop(session, staff.shop_id),
        settings=running.settings,
        keyring=running.keyring,
        inbox=current_app.extensions[inboxes.EXTENSION],
        user_id=staff.user_id,
        locale=g.language,
        query=request.args.to_dict(),
        form=form or Form(),
        request_id=request_id,
    )


def _shown(visit: Visit, staff: Staff, looked: Looked, *, status: int | None = None, refused: str = "") -> Response:
    if isinstance(looked, File):
        return _file(runtime.of(current_app), looked)
    return page(
        looked.template,
        status=status or looked.status,
        ancestors=staff.ancestors,
        visit=visit,
        shop=visit.shop,
        filled=visit.form,
        refused=refused,
        fmt=Formats(visit.locale, visit.shop.currency, visit.zone),
        navigation=NAVIGATION,
        languages=LANGUAGES,
        new_key=secrets.token_urlsafe,
        **looked.values,
    )


def _file(running: Runtime, file: File) -> Response:
    content = file.content(running) if callable(file.content) else file.content
    pieces = (piece.encode() if isinstance(piece, str) else piece for piece in content)
    response = Response(pieces, content_type=f"{file.kind}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _not_possible(running: Runtime, staff: Staff, problem: Problem) -> Response:
    """A page of the shell that says why; another shop's ids are not found here."""
    with running.database.shop(staff.shop_id) as session:
        visit = _visit(running, session, staff)
        title = _("This is not here") if problem.status == 404 else _("This is not possible")
        values = {"title": title, "text": in_words(problem)}
        return _shown(visit, staff, View("admin/problem.html", values, problem.status))
