"""Every address of the admin: pages that are looked at (GET) and actions that change something (POST).

A row is all there is to add for a new page: `routes.py` serves the rows, `NAVIGATION` says what stands in the menu, and
the tests of security run over all of them. Handlers are described in `visit.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.admin import home
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


PAGES: tuple[Page, ...] = (Page("/", home.show),)
ACTIONS: tuple[Action, ...] = ()

# Address and words of the menu, in its order.
NAVIGATION = (("/", _("Home")),)
