"""The vocabulary of admin pages: who looks at which shop, what a page shows, what an action did.

Handlers (`home`, `settings`, … , listed in `table.py`) take a Visit and give back a View, a Done or a File. They know
nothing of Flask, never commit, and never ask the network: their session is open. `routes.py` does all the rest.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.admin.forms import Form
from app.api.inbox import Inbox
from app.config import Settings
from app.crypto import KeyRing
from app.loyalty.programs import zone_of
from app.runtime import Runtime
from app.shops.models import Shop


@dataclass(frozen=True)
class Visit:
    """One request of a member of the shop's staff, whose ID token was verified, inside the session of that shop."""

    session: Session
    shop: Shop
    settings: Settings
    keyring: KeyRing
    inbox: Inbox
    user_id: str
    locale: str
    # Parameters of the address, each once.
    query: Mapping[str, str] = field(default_factory=dict)
    # What was sent; empty on a page that was only opened.
    form: Form = field(default_factory=Form)
    # The id of whatever an action creates: the same when the same form is sent again.
    request_id: str = ""

    @property
    def actor(self) -> str:
        """Who it is in the audit log."""
        return f"staff:{self.user_id}"

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return zone_of(self.shop.timezone)


@dataclass(frozen=True)
class View:
    """A page to show: a template of `templates/` and its values."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True)
class Done:
    """What an action did, in words for a toast, and the page to go to (an address of ours).

    `once` is shown instead, the first time only: a secret that is kept nowhere.
    """

    to: str
    said: str
    once: View | None = None


@dataclass(frozen=True)
class File:
    """Something to keep: name, media type and content in pieces (text is UTF-8).

    Content that needs a session of its own is a function of the runtime, called when the visit's session is over.
    """

    name: str
    kind: str
    content: Iterable[str | bytes] | Callable[[Runtime], Iterable[str | bytes]]
