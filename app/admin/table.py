"""Every address of the admin: pages that are looked at (GET) and actions that change something (POST).

A row is all there is to add for a new page: `routes.py` serves the rows, `NAVIGATION` says what stands in the menu, and
the tests of security run over all of them. Handlers are described in `visit.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.admin.home import pages as home
from app.admin.settings import pages as settings
from app.admin.setup import pages as setup
from app.admin.texts import lazy_gettext as _
from app.admin.visit import Done, File, View

Looked = View | File


@dataclass(frozen=True)
class Page:
    """A page by its address (Flask's rules: `/members/<int:account_id>`); `look(visit, **path)` shows it."""

    path: str
    look: Callable[..., Looked]


@dataclass(frozen=True)
class Action:
    """A change by its address. `do(visit, **path)` carries it out; `again(visit, **path)` shows the form once more."""

    path: str
    do: Callable[..., Done]
    again: Callable[..., Looked]


PAGES: tuple[Page, ...] = (
    Page("/", home.show),
    Page("/setup", setup.goal),
    Page("/setup/program", setup.program),
    Page("/setup/numbers", setup.numbers),
    Page("/setup/look", setup.look),
    Page("/setup/preview", setup.preview),
    Page("/settings", settings.show),
    Page("/settings/export", settings.export),
    Page("/settings/requests/<int:request_id>.json", settings.hand_out),
)
ACTIONS: tuple[Action, ...] = (
    Action("/setup", setup.save_goal, again=setup.goal),
    Action("/setup/program", setup.save_program, again=setup.program),
    Action("/setup/numbers", setup.save_numbers, again=setup.numbers),
    Action("/setup/look", setup.save_look, again=setup.look),
    Action("/setup/work-out", setup.work_out, again=setup.preview),
    Action("/setup/launch", setup.launch, again=setup.preview),
    Action("/settings/language", settings.choose_language, again=settings.show),
    Action("/settings/brand", settings.save_brand, again=settings.show),
    Action("/settings/keys", settings.create_key, again=settings.show),
    Action("/settings/keys/<int:key_id>/revoke", settings.revoke_key, again=lambda visit, key_id: settings.show(visit)),
)

# Address and words of the menu, in its order.
NAVIGATION = (
    ("/", _("Home")),
    ("/settings", _("Settings")),
)
