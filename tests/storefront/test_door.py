"""The door of sign-ups, asked as the web process asks it: without Flask, piece by piece."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest
from sqlalchemy import text

from app.storefront.door import LARGEST_BODY, SignUpDoor
from app.storefront.routes import SIGN_UPS
from tests.storefront.conftest import Street
from tests.storefront.test_routes import asked, signed


class Body:
    """Pieces of a body, counted as they are asked for."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces, self.read = pieces, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.read += 1
            yield piece


def answered(street: Street, query: str, body: Body) -> tuple[int, dict[str, str], dict[str, str]]:
    door: SignUpDoor = street.flask_app.extensions[SIGN_UPS]
    status, headers, content = asyncio.run(door.answer(query, "203.0.113.9", body))
    return status, dict(headers), orjson.loads(content)


def test_a_sign_up_in_pieces_gets_its_code_and_no_one_may_store_the_answer(street: Street) -> None:
    raw = orjson.dumps(asked(street.popup()))
    query = signed(street, "sign-up").partition("?")[2]
    status, headers, content = answered(street, query, Body(raw[:9], raw[9:]))
    assert (status, content["state"]) == (200, "code")
    assert headers["cache-control"] == "no-store"
    assert headers["content-length"] == str(len(orjson.dumps(content)))


def test_a_mail_is_promised_only_where_one_can_be_sent(street: Street) -> None:
    popup = street.popup()
    with street.runtime.database.system() as session:
        session.execute(text("update pool_codes set state = 'given'"))
    query = signed(street, "sign-up").partition("?")[2]
    assert answered(street, query, Body(orjson.dumps(asked(popup))))[2] == {"state": "later"}
    known: SignUpDoor = street.flask_app.extensions[SIGN_UPS]
    street.flask_app.extensions[SIGN_UPS] = SignUpDoor(known.admission, known.sign_ups, mails=True)
    for more in ({}, {"company": "Acme"}):
        body = Body(orjson.dumps(asked(popup, **more)))
        assert answered(street, query, body)[2] == {"state": "later", "mail": True}


@pytest.mark.parametrize(("pieces", "read"), [(3, 3), (1_000, 5)])
def test_a_body_that_never_ends_is_heard_out_for_a_while_and_refused(street: Street, pieces: int, read: int) -> None:
    body = Body(*[b"x" * LARGEST_BODY] * pieces)
    query = signed(street, "sign-up").partition("?")[2]
    assert answered(street, query, body)[::2] == (413, {"error": "too-large"})
    assert body.read == read


def test_of_a_forged_request_no_body_is_read(street: Street) -> None:
    body = Body(b"{}")
    query = signed(street, "sign-up").partition("?")[2].replace("signature=", "signature=0")
    assert answered(street, query, body)[0] == 401
    assert body.read == 0
