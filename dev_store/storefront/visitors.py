"""Who is looking at a shop: a cookie, and behind it the cart, the codes entered and the customer who has logged in.

Kept in the store's state (kind `visitor`), so that a restart empties no cart.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from dev_store.state import Document, State

COOKIE = "dev_store_visitor"


@dataclass
class Visitor:
    """A visitor of one shop; `save` after changing the document."""

    state: State
    shop: str
    document: Document

    @property
    def customer(self) -> Document | None:
        """The customer who has logged in."""
        customer_id = self.document.get("customer_id")
        return self.state.get(self.shop, "customer", customer_id) if customer_id else None

    @property
    def lines(self) -> dict[str, int]:
        """Pieces by variant id, in the order in which they were added."""
        lines: dict[str, int] = self.document["lines"]
        return lines

    @property
    def codes(self) -> list[str]:
        """Discount codes as they were entered."""
        codes: list[str] = self.document["codes"]
        return codes

    def save(self) -> None:
        """Keep what has changed."""
        self.state.put(self.shop, "visitor", self.document["id"], self.document)

    def remember(self, response: Response) -> Response:
        """Let the browser come back as the same visitor."""
        response.set_cookie(COOKIE, self.document["id"], path=f"/{self.shop}/", httponly=True, samesite="Lax")
        return response


def current_visitor(state: State, shop: str) -> Visitor:
    """The visitor of the request in hand; a new one where the cookie names nobody."""
    key = request.cookies.get(COOKIE, "")
    found = state.get(shop, "visitor", key) if key else None
    return Visitor(state, shop, found or new_document())


def new_document() -> dict[str, Any]:
    """A visitor who has done nothing yet."""
    return {
        "id": secrets.token_urlsafe(18),
        "token": secrets.token_hex(16),
        "customer_id": None,
        "lines": {},
        "codes": [],
        "attributes": {},
        "note": "",
        "landing_site": None,
        "language": "en",
    }
