"""The popups' pages: a list with what came of each, one switch a popup, the editor with its preview."""

from typing import Any

from app.admin.figures import kept
from app.admin.figures.kept import Figures
from app.admin.models import ShopProfile
from app.admin.popups import definition_form, queries
from app.admin.setup import service as profiles
from app.admin.texts import LANGUAGES, Formats
from app.admin.texts import gettext as _
from app.admin.visit import Done, View, Visit
from app.audit.service import record
from app.discounts.pools import service as pools
from app.discounts.pools.models import CodePool
from app.popups import service
from app.popups.counting import Statistics
from app.popups.models import Popup

# What a shop speaks when its profile does not say.
_FIRST_LANGUAGE = "en"


def show_list(visit: Visit) -> View:
    """Popups with views, sign-ups, orders and the codes that are left."""
    found = queries.popups(visit.session, visit.shop.id)
    held = pools.pools(visit.session, visit.shop.id, [popup.pool_id for popup in found])
    figures = kept.of(visit.session, visit.shop, "popups")
    rows = [
        {"popup": popup, "offer": _offer(visit, held[popup.pool_id][0]), "pool": held[popup.pool_id][0],
         "free": held[popup.pool_id][1], "counted": _came_of(figures, popup)}
        for popup in found
    ]  # fmt: skip
    return View("admin/popups.html", {"rows": rows, "counted_at": figures.counted_at if figures else None})


def _came_of(figures: Figures | None, popup: Popup) -> Statistics | None:
    """None while it is being counted."""
    return Statistics(**figures.values.get(str(popup.id), {})) if figures else None


def _offer(visit: Visit, pool: CodePool) -> str:
    if pool.kind == "percent_off":
        return _("%(share)s%% off", share=definition_form.share(pool.value))
    money = Formats(visit.locale, visit.shop.currency, visit.zone).money(pool.value, pool.currency)
    return _("%(money)s off", money=money)


def show_new(visit: Visit) -> View:
    """The editor, empty."""
    languages = _languages(visit, {})
    return _editor(visit, None, definition_form.empty(languages, _brand(visit).colour), languages)


def show(visit: Visit, popup_id: int) -> View:
    """The editor of a popup."""
    popup = service.get(visit.session, visit.shop.id, popup_id)
    return _editor(visit, popup, popup.definition, _languages(visit, popup.definition))


def _editor(visit: Visit, popup: Popup | None, definition: dict[str, Any], languages: list[str]) -> View:
    values: dict[str, Any] = {
        "popup": popup,
        "definition": definition,
        "spoken": languages,
        "tongues": [(tongue, LANGUAGES.get(tongue, tongue)) for tongue in _tongues(definition, languages)],
        "bounds": definition_form.bounds(definition["target"], visit.shop.currency),
        "seen": seen(popup) if popup else None,
        "offer": None,
    }
    if popup is not None:
        pool, free = pools.pools(visit.session, visit.shop.id, [popup.pool_id])[popup.pool_id]
        values |= {"offer": _offer(visit, pool), "pool": pool, "free": free}
        figures = kept.of(visit.session, visit.shop, "popups")
        values |= {"counted": _came_of(figures, popup), "counted_at": figures.counted_at if figures else None}
    return View("admin/popup.html", values)


def _tongues(definition: dict[str, Any], languages: list[str]) -> list[str]:
    """Those that visitors may be chosen by: what the editor shows words of, and what was chosen before."""
    return list(dict.fromkeys([*languages, *definition["target"].get("languages", [])]))


def _languages(visit: Visit, definition: dict[str, Any]) -> list[str]:
    """Those of the popup first, then those of the shop, then what the admin speaks itself."""
    told = [*definition.get("texts", {}), *_brand(visit).languages, _FIRST_LANGUAGE, visit.locale]
    return list(dict.fromkeys(told))


def _brand(visit: Visit) -> ShopProfile:
    return profiles.profile(visit.session, visit.shop.id)


def seen(popup: Popup) -> str:
    """The popup as a form was made from it."""
    return popup.updated_at.isoformat()


def create(visit: Visit) -> Done:
    """A new popup, switched off, with codes of its own."""
    languages = _languages(visit, {})
    name = visit.form.text("name", needed=True, most=100)
    offer = definition_form.offer(visit.form, visit.shop.currency)
    definition = definition_form.read(visit.form, definition_form.empty(languages, _brand(visit).colour), languages,
                                      visit.shop.currency)  # fmt: skip
    popup = service.create(visit.session, visit.shop.id, name=name, definition=definition, offer=offer)
    _record(visit, popup, "popup.created")
    return Done(f"/popups/{popup.id}", _("The popup is made. It is not shown before you switch it on."))


def change(visit: Visit, popup_id: int) -> Done:
    """Words, moments and look; the offer stays, because codes were made with it."""
    popup = service.get(visit.session, visit.shop.id, popup_id)
    visit.session.refresh(popup, with_for_update=True)
    visit.form.unchanged_since(seen(popup))
    name = visit.form.text("name", needed=True, most=100)
    languages = _languages(visit, popup.definition)
    definition = definition_form.read(visit.form, popup.definition, languages, visit.shop.currency)
    service.change(visit.session, visit.shop.id, popup.id, name=name, definition=definition)
    _record(visit, popup, "popup.changed")
    return Done(f"/popups/{popup.id}", _("The popup is saved."))


def switch(visit: Visit, popup_id: int) -> Done:
    """Show a popup in the storefront, or show it no longer."""
    active = visit.form.choice("on", ("yes", "no")) == "yes"
    visit.form.check()
    popup = service.change(visit.session, visit.shop.id, popup_id, active=active)
    _record(visit, popup, "popup.changed")
    said = (
        _("“%(name)s” is shown.", name=popup.name) if active else _("“%(name)s” is no longer shown.", name=popup.name)
    )
    return Done("/popups", said)


def _record(visit: Visit, popup: Popup, what: str) -> None:
    after = {"name": popup.name, "active": popup.active}
    record(visit.session, visit.shop.id, actor=visit.actor, what=what, subject=f"popup:{popup.id}", after=after)
