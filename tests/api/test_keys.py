"""Keys of one shop: what opens, what does not, what is kept of them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app import clock
from app.api import keys
from app.api.models import ApiKey
from app.errors import NotFound
from app.runtime import Runtime
from app.shops.models import Shop
from tests.api.conftest import Api


def last_used(runtime: Runtime) -> object:
    with runtime.database.system() as session:
        return session.scalar(select(ApiKey.last_used_at))


def test_a_key_opens_its_shop_and_only_its_digest_is_kept(runtime: Runtime, api: Api) -> None:
    assert api.key.startswith("prk_")
    assert len(api.key) >= 47
    assert api.get("/rewards").status_code == 200
    with runtime.database.system() as session:
        row = session.scalars(select(ApiKey)).one()
    assert row.digest == keys.digest(api.key)
    assert api.key not in repr(vars(row))


def test_without_a_living_key_nothing_is_answered(flask_app: Flask, shop: Shop) -> None:
    for header in (
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic cHJrOng=",
        "prk_alone",
        "Bearer prk_unknown",
        "Bearer \xe9\xff",
    ):
        headers = {} if header is None else {"Authorization": header}
        answer = flask_app.test_client().get("/api/v1/rewards", headers=headers)
        assert answer.status_code == 401, header
        assert answer.mimetype == "application/problem+json"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_scheme_may_be_written_in_any_case(api: Api) -> None:
    assert api.get("/rewards", headers={"Authorization": f"bearer {api.key}"}).status_code == 200


def test_a_revoked_key_is_refused_at_once(runtime: Runtime, shop: Shop, api: Api) -> None:
    assert api.get("/rewards").status_code == 200
    with runtime.database.shop(shop.id) as session:
        (key,) = keys.list_keys(session, shop.id)
        keys.revoke_key(session, shop.id, key.id)
    assert api.get("/rewards").status_code == 401


def test_a_key_of_another_shop_cannot_be_revoked(runtime: Runtime, shop: Shop, api: Api, stranger: Api) -> None:
    with runtime.database.system() as session, pytest.raises(NotFound):
        keys.revoke_key(session, shop.id, 2)
    assert stranger.get("/rewards").status_code == 200


def test_a_shop_that_uninstalled_is_told_so(runtime: Runtime, shop: Shop, api: Api) -> None:
    with runtime.database.system() as session:
        session.execute(update(Shop).values(state="uninstalled"))
    assert api.get("/rewards").status_code == 403


def test_the_last_use_is_noted_at_most_once_a_minute(
    runtime: Runtime, api: Api, monkeypatch: pytest.MonkeyPatch, new_key: Callable[[Shop], str]
) -> None:
    start = clock.wall_now()
    monkeypatch.setattr(clock, "wall_now", lambda: start)
    api.get("/rewards")
    assert last_used(runtime) == start
    for seconds, noted in ((59, 0), (60, 60)):
        later = start + timedelta(seconds=seconds)
        monkeypatch.setattr(clock, "wall_now", lambda later=later: later)
        api.get("/rewards")
        assert last_used(runtime) == start + timedelta(seconds=noted)
