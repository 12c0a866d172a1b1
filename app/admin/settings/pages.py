"""The settings, as handlers of the table."""

import json
from collections.abc import Iterator
from typing import Any
from zoneinfo import available_timezones

import orjson

from app import clock
from app.admin import languages
from app.admin.models import StaffLanguage
from app.admin.settings import queries
from app.admin.setup import service as profiles
from app.admin.setup.pages import colour_of, read_colour
from app.admin.texts import LANGUAGES
from app.admin.texts import gettext as _
from app.admin.texts import lazy_gettext as _l
from app.admin.visit import Done, File, View, Visit
from app.api import keys
from app.audit import service as audit
from app.runtime import Runtime
from app.shops import privacy
from app.shops.models import PrivacyRequest
from app.shops.personal_data import export_customer
from app.storefront import dirty
from app.transfer.export import lines

AS_SHOPIFY = "shopify"
_KINDS = {
    "data_request": _l("Wants to see their data"),
    "customer_redact": _l("Wants to be forgotten"),
    "shop_redact": _l("The whole shop is to be erased"),
}


def show(visit: Visit) -> View:
    """Everything there is to set."""
    profile = profiles.profile(visit.session, visit.shop.id)
    row = visit.session.get(StaffLanguage, (visit.shop.id, visit.user_id))
    values = {
        "chosen": row.language if row and row.chosen else AS_SHOPIFY,
        "choices": [(AS_SHOPIFY, _("As in Shopify's admin")), *LANGUAGES.items()],
        "colour": colour_of(visit),
        "spoken": profile.languages or ["en"],
        "seen": _state(visit),
        "zone_known": visit.shop.timezone in available_timezones(),
        "time_there": clock.now(),
        "keys": keys.list_keys(visit.session, visit.shop.id),
        "requests": [_told(request) for request in queries.privacy_requests(visit.session, visit.shop.id)],
        "api_url": f"{visit.settings.app_url}/api/v1",
    }
    return View("admin/settings.html", values)


def choose_language(visit: Visit) -> Done:
    """How this member of staff reads."""
    chosen = visit.form.choice("language", (AS_SHOPIFY, *LANGUAGES))
    visit.form.check()
    language = None if chosen == AS_SHOPIFY else chosen
    languages.choose(visit.session, visit.shop.id, visit.user_id, language)
    return Done("/settings", _("Your language is saved"))


def save_brand(visit: Visit) -> Done:
    """Colour and languages of the shop."""
    # The row of the brand may not be there yet; that of the shop is.
    visit.session.refresh(visit.shop, with_for_update=True)
    visit.form.unchanged_since(_state(visit))
    colour = read_colour(visit)
    spoken = visit.form.choices("languages", LANGUAGES)
    visit.form.check()
    row = profiles.keep(visit.session, visit.shop.id, {})
    before = {"colour": row.colour, "languages": list(row.languages)}
    row.colour, row.languages = colour, spoken
    dirty.note_shop(visit.session, visit.shop.id)
    after = {"colour": colour, "languages": spoken}
    subject = f"shop:{visit.shop.id}"
    audit.record(
        visit.session,
        visit.shop.id,
        actor=visit.actor,
        what="brand.changed",
        subject=subject,
        before=before,
        after=after,
    )
    return Done("/settings", _("Your brand is saved"))


def create_key(visit: Visit) -> Done:
    """A key for another program; shown once, and kept as a digest only."""
    name = visit.form.text("name", needed=True, most=60)
    visit.form.check()
    key = keys.create_key(visit.session, visit.shop.id, name)
    _note(visit, "api-key.created", f"shop:{visit.shop.id}", {"name": name})
    shown = View("admin/key.html", {"key": key, "key_name": name})
    return Done("/settings", _("This key was made already. It is shown only once; make another if it got lost."), shown)


def revoke_key(visit: Visit, key_id: int) -> Done:
    """Refuse a key from now on."""
    keys.revoke_key(visit.session, visit.shop.id, key_id)
    _note(visit, "api-key.revoked", f"api-key:{key_id}", {})
    return Done("/settings", _("The key does not work any more"))


def hand_out(visit: Visit, request_id: int) -> File:
    """What is held of somebody who asked for it."""
    request = queries.data_request(visit.session, visit.shop.id, request_id)
    assert request.customer_id is not None
    document = export_customer(visit.session, visit.shop.id, request.customer_id)
    content = orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str)
    privacy.answered(visit.session, visit.shop.id, request_id, document)
    _note(visit, "data.handed_out", f"privacy-request:{request_id}", {})
    return File(f"customer-{request.customer_id}.json", "application/json", [content])


def export(visit: Visit) -> File:
    """The whole shop as one file, from which another installation can go on."""
    shop_id, actor = visit.shop.id, visit.actor

    def content(runtime: Runtime) -> Iterator[bytes]:
        with runtime.database.system() as session:
            yield from lines(session, shop_id)
        with runtime.database.system() as session:
            subject = f"shop:{shop_id}"
            audit.record(session, shop_id, actor=actor, what="shop.exported", subject=subject, after={"notes": False})

    return File("perennial.jsonl", "application/jsonl", content)


def _state(visit: Visit) -> str:
    """What a form was made from; another saved in the meantime makes another of it."""
    profile = profiles.profile(visit.session, visit.shop.id)
    return json.dumps([profile.colour, list(profile.languages or [])])


def _note(visit: Visit, what: str, subject: str, after: dict[str, Any], before: dict[str, Any] | None = None) -> None:
    shop_id, actor = visit.shop.id, visit.actor
    audit.record(visit.session, shop_id, actor=actor, what=what, subject=subject, before=before, after=after)


def _told(request: PrivacyRequest) -> dict[str, Any]:
    # The receipt of a request to see data counts what was handed out.
    is_erasure = request.receipt is not None and request.kind != "data_request"
    erased: dict[str, int] = json.loads(request.receipt or "{}") if is_erasure else {}
    return {
        "id": request.id,
        "kind": _KINDS.get(request.kind, request.kind),
        "customer": str(request.customer_id) if request.customer_id else "–",
        "received_at": request.received_at,
        "done_at": request.done_at,
        "can_hand_out": request.kind == "data_request" and request.customer_id is not None,
        "erased": ", ".join(f"{name}: {count}" for name, count in sorted(erased.items()) if count),
    }
