"""Where visitors sign up: on the server's event loop, past Flask, because hundreds may come in a second.

`app.factory` brings requests here from the web process, and `app.storefront.routes` those of servers that know no event
loop. In this order, since each step costs more than the one before: signature and limits, the body, the database.
"""

from collections.abc import AsyncIterable
from io import BytesIO
from typing import Any

import orjson

from app import bodies
from app.api.checks import Schema, faults
from app.errors import Invalid, NotFound, Problem
from app.popups.sign_up import GONE, LATER, Answer, Wish
from app.storefront.admission import Admission
from app.storefront.answers import Said, refused, said
from app.storefront.together import SignUps

LARGEST_BODY = 4_000
POPUP = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
_NOTE = {"type": ["string", "null"], "maxLength": 1_000}
_SIGN_UP: Schema = {
    "type": "object",
    "properties": {
        "popup": POPUP,
        "email": {"type": "string", "maxLength": 1_000},
        "company": _NOTE,
        "consent": _NOTE,
        "language": _NOTE,
        "page": _NOTE,
        "how": _NOTE,
        "ref": _NOTE,
    },
    "required": ["popup", "email"],
    "additionalProperties": False,
}


class TooLarge(Problem):
    """More than any popup sends."""

    status, kind, title = 413, "too-large", "Too large"


class SignUpDoor:
    """Answers sign-ups: {"state": "code" | "later" | "invalid", "code"?, "mail"?}. `mail`: a late code is sent."""

    def __init__(self, admission: Admission, sign_ups: SignUps, *, mails: bool) -> None:
        self.admission, self.sign_ups, self._mails = admission, sign_ups, mails

    async def answer(self, query: str, forwarded_for: str, body: AsyncIterable[bytes]) -> Said:
        """One request; whatever goes wrong has an answer, too."""
        try:
            signed = self.admission.check(query, forwarded_for)
            raw = await _read(body)
            shop_id = await self.admission.shop_id_soon(signed.shop)
            asked = checked(raw, _SIGN_UP)
            # Only programs fill in what people do not see. They are thanked like everybody.
            answer = Answer(LATER) if asked.get("company") else await self.sign_ups.sign_up(shop_id, _wish(asked))
            if answer.state == GONE:
                raise NotFound("This popup is not shown any more.", kind="popup-gone")
        # Also what is our fault: the page needs an answer that it can read, and the log says where it happened.
        except Exception as error:
            return refused(error)
        return said(self._told(answer))

    def _told(self, answer: Answer) -> dict[str, Any]:
        told: dict[str, Any] = {"state": answer.state}
        if answer.code:
            told["code"] = answer.code
        if answer.state == LATER and self._mails:
            told["mail"] = True
        return told


async def _read(body: AsyncIterable[bytes]) -> bytes:
    raw = BytesIO()
    if await bodies.copy(body, raw, largest=LARGEST_BODY) > LARGEST_BODY:
        raise TooLarge("A sign-up is shorter.")
    return raw.getvalue()


def checked(raw: bytes, schema: Schema) -> dict[str, Any]:
    """A body as what its schema says. Raises Invalid."""
    try:
        body: dict[str, Any] = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Invalid("The body has to be JSON.") from None
    if any(faults(body, schema)):
        raise Invalid("The body is not what is asked for here.")
    return body


def _wish(body: dict[str, Any]) -> Wish:
    return Wish(
        popup_id=int(body["popup"]),
        email=body["email"],
        consent=body.get("consent"),
        language=body.get("language"),
        page=body.get("page"),
        how=body.get("how"),
        ref=body.get("ref"),
    )
