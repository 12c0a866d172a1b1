"""Tokens: refreshed early, by one at a time, surviving rotation, late answers and a lost refresh token."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import responses
from responses import matchers

from app import clock
from app.crypto import CannotOpen
from app.runtime import Runtime
from app.shopify.errors import ShopGone, Unauthorised, Unavailable
from app.shopify.oauth import Tokens
from app.shops import queries, tokens
from app.shops.jobs import keep_tokens
from app.shops.models import Shop
from app.shops.secrets import unseal
from app.shops.uninstall import uninstalled

URL = "https://demo.myshopify.com/admin/oauth/access_token"
NEW = {
    "access_token": "shpat_new",
    "scope": "read_orders",
    "expires_in": 3600,
    "refresh_token": "shprt_new",
    "refresh_token_expires_in": 7776000,
}


def give(
    runtime: Runtime, shop_id: int, *, lasts: timedelta, refreshable: timedelta = timedelta(days=90), name: str = "old"
) -> None:
    now = clock.wall_now()
    granted = Tokens(f"shpat_{name}", "read_orders", now + lasts, f"shprt_{name}", now + refreshable)
    with runtime.database.shop(shop_id) as session:
        tokens.store(runtime.keyring, queries.shop(session, shop_id), granted)


def row(runtime: Runtime, shop_id: int) -> Shop:
    with runtime.database.shop(shop_id) as session:
        return queries.shop(session, shop_id)


def lease(runtime: Runtime, shop_id: int, until: datetime | None) -> None:
    with runtime.database.shop(shop_id) as session:
        queries.shop(session, shop_id).refresh_lease_until = until


def test_tokens_are_sealed_for_their_row_and_column(runtime: Runtime, shop: Shop) -> None:
    give(runtime, shop.id, lasts=timedelta(hours=1))
    kept = row(runtime, shop.id)
    assert kept.access_token is not None
    assert b"shpat_old" not in kept.access_token
    assert unseal(runtime.keyring, shop.id, "access_token", kept.access_token) == b"shpat_old"
    with pytest.raises(CannotOpen):
        unseal(runtime.keyring, shop.id, "refresh_token", kept.access_token)
    with pytest.raises(CannotOpen):
        unseal(runtime.keyring, shop.id + 1, "access_token", kept.access_token)


def test_a_token_with_time_left_is_used_as_it_is(runtime: Runtime, shop: Shop, wire: responses.RequestsMock) -> None:
    give(runtime, shop.id, lasts=timedelta(minutes=6))
    assert tokens.access(runtime, shop.id).token == "shpat_old"
    assert len(wire.calls) == 0


@pytest.mark.parametrize("left", [timedelta(minutes=4), timedelta(hours=-1)])
def test_a_token_is_refreshed_five_minutes_before_its_end(
    runtime: Runtime, shop: Shop, wire: responses.RequestsMock, left: timedelta
) -> None:
    give(runtime, shop.id, lasts=left)
    old = matchers.json_params_matcher({"refresh_token": "shprt_old"}, strict_match=False)
    wire.post(URL, json=NEW, match=[old])
    assert tokens.access(runtime, shop.id).token == "shpat_new"
    assert tokens.access(runtime, shop.id).refresh_token == "shprt_new"
    assert len(wire.calls) == 1
    assert row(runtime, shop.id).refresh_lease_until is None


def test_many_at_once_refresh_once(runtime: Runtime, shop: Shop, wire: responses.RequestsMock) -> None:
    give(runtime, shop.id, lasts=timedelta(minutes=-1))

    def answer_slowly(_request: Any) -> tuple[int, dict[str, str], str]:
        time.sleep(0.4)
        return 200, {}, '{"access_token": "shpat_new", "expires_in": 3600, "refresh_token": "shprt_new"}'

    wire.add_callback(responses.POST, URL, answer_slowly)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: tokens.access(runtime, shop.id).token, range(8)))
    assert set(found) == {"shpat_new"}
    assert len(wire.calls) == 1


def test_nobody_waits_for_a_refresh_while_the_old_token_still_works(
    runtime: Runtime, shop: Shop, wire: responses.RequestsMock
) -> None:
    give(runtime, shop.id, lasts=timedelta(minutes=3))
    lease(runtime, shop.id, clock.wall_now() + timedelta(seconds=20))
    assert tokens.access(runtime, shop.id).token == "shpat_old"
    assert len(wire.calls) == 0


def test_the_lease_of_a_dead_process_ends_by_itself(runtime: Runtime, shop: Shop, wire: responses.RequestsMock) -> None:
    give(runtime, shop.id, lasts=timedelta(minutes=-1))
    lease(runtime, shop.id, clock.wall_now() - timedelta(seconds=1))
    wire.post(URL, json=NEW)
    assert tokens.access(runtime, shop.id).token == "shpat_new"


def test_an_answer_that_comes_after_a_new_installation_changes_nothing(
    runtime: Runtime, shop: Shop, wire: responses.RequestsMock
) -> None:
    """The merchant opens the app while a refresh is under way, whichever way that refresh ends."""
    for status, body in (
        (200, '{"access_token": "shpat_late", "expires_in": 3600}'),
        (400, '{"error":"invalid_grant"}'),
    ):
        give(runtime, shop.id, lasts=timedelta(minutes=-1))
        wire.reset()
        wire.add_callback(responses.POST, URL, _install_meanwhile(runtime, shop.id, status, body))
        assert tokens.access(runtime, shop.id).token == "shpat_opened"
        assert row(runtime, shop.id).connection == "ok"


def _install_meanwhile(runtime: Runtime, shop_id: int, status: int, body: str) -> Any:
    def answer(_request: Any) -> tuple[int, dict[str, str], str]:
        give(runtime, shop_id, lasts=timedelta(hours=1), name="opened")
        return status, {}, body

    return answer


def test_a_lost_refresh_token_asks_for_the_merchant_and_heals_when_the_app_is_opened(
    runtime: Runtime, shop: Shop, wire: responses.RequestsMock
) -> None:
    give(runtime, shop.id, lasts=timedelta(minutes=-1))
    wire.post(URL, status=400, json={"error": "invalid_grant"})
    for _ in range(2):
        with pytest.raises(Unauthorised):
            tokens.access(runtime, shop.id)
    assert len(wire.calls) == 1
    assert row(runtime, shop.id).connection == "reauthorise"
    give(runtime, shop.id, lasts=timedelta(hours=1), name="opened")
    assert tokens.access(runtime, shop.id).token == "shpat_opened"


def test_a_wrong_secret_of_ours_does_not_cut_shops_off(
    runtime: Runtime, shop: Shop, wire: responses.RequestsMock
) -> None:
    give(runtime, shop.id, lasts=timedelta(minutes=3))
    wire.post(URL, status=400, json={"error": "invalid_client"})
    assert tokens.access(runtime, shop.id).token == "shpat_old"
    assert row(runtime, shop.id).connection == "ok"


def test_a_failing_refresh_does_not_matter_until_the_old_token_ends(
    runtime: Runtime, shop: Shop, wire: responses.RequestsMock
) -> None:
    wire.post(URL, status=503)
    give(runtime, shop.id, lasts=timedelta(minutes=3))
    assert tokens.access(runtime, shop.id).token == "shpat_old"
    give(runtime, shop.id, lasts=timedelta(minutes=-1))
    with pytest.raises(Unavailable):
        tokens.access(runtime, shop.id)
    assert row(runtime, shop.id).refresh_lease_until is None


def test_a_token_shopify_rejected_is_refreshed_whatever_its_age(
    runtime: Runtime, shop: Shop, wire: responses.RequestsMock
) -> None:
    give(runtime, shop.id, lasts=timedelta(hours=1))
    wire.post(URL, json=NEW)
    assert tokens.access(runtime, shop.id, rejected="shpat_older").token == "shpat_old"
    assert tokens.access(runtime, shop.id, rejected="shpat_old").token == "shpat_new"


def test_an_uninstalled_shop_has_no_token(runtime: Runtime, shop: Shop) -> None:
    give(runtime, shop.id, lasts=timedelta(hours=1))
    with runtime.database.shop(shop.id) as session:
        uninstalled(session, shop.id, clock.now())
    with pytest.raises(ShopGone):
        tokens.access(runtime, shop.id)


def test_dormant_shops_are_refreshed_long_before_their_refresh_token_ends(
    runtime: Runtime, shop: Shop, wire: responses.RequestsMock
) -> None:
    wire.post(URL, json=NEW)
    give(runtime, shop.id, lasts=timedelta(hours=-300), refreshable=timedelta(days=61))
    keep_tokens(runtime)
    assert len(wire.calls) == 0
    give(runtime, shop.id, lasts=timedelta(hours=-300), refreshable=timedelta(days=59))
    keep_tokens(runtime)
    assert tokens.access(runtime, shop.id).token == "shpat_new"


def test_one_shop_that_fails_does_not_stop_the_care_for_the_others(
    runtime: Runtime, shop: Shop, wire: responses.RequestsMock
) -> None:
    give(runtime, shop.id, lasts=timedelta(hours=-300), refreshable=timedelta(days=1))
    wire.post(URL, status=503)
    keep_tokens(runtime)
    assert row(runtime, shop.id).connection == "ok"


def test_a_refresh_holds_no_transaction_open(runtime: Runtime, shop: Shop, wire: responses.RequestsMock) -> None:
    give(runtime, shop.id, lasts=timedelta(minutes=-1))
    in_use: list[int] = []

    def answer(_request: Any) -> tuple[int, dict[str, str], str]:
        in_use.append(runtime.database.engine.pool.checkedout())  # type: ignore[attr-defined]  # QueuePool has it
        return 200, {}, '{"access_token": "shpat_new", "expires_in": 3600}'

    wire.add_callback(responses.POST, URL, answer)
    worker = threading.Thread(target=tokens.access, args=(runtime, shop.id))
    worker.start()
    worker.join()
    assert in_use == [0]
