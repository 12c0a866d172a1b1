"""Sign-ups that come at the same time share a transaction, and nobody has to suffer for what another one sent."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from app import clock
from app.loop_thread import LoopThread
from app.popups.models import ConsentReceipt, Popup, SignUp
from app.popups.sign_up import Answer, Wish
from app.runtime import Runtime
from app.shops.models import Shop
from app.storefront.together import SignUps


def wish(popup: Popup, email: str, **more: Any) -> Wish:
    return Wish(
        **({"popup_id": popup.id, "email": email, "consent": popup.definition["texts"]["en"]["consent_version"]} | more)
    )


def at_once(runtime: Runtime, popup: Popup, wishes: Sequence[Wish]) -> list[Future[Answer]]:
    """What becomes of wishes that wait together behind one that is on its way."""
    sign_ups, shop_id = SignUps(runtime), popup.shop_id
    with closing(LoopThread("visitors")) as visitors:
        with runtime.database.shop(shop_id) as slow:
            first = {"mailbox": "first@example.com", "email": "first@example.com", "created_at": clock.now()}
            slow.add(SignUp(shop_id=shop_id, popup_id=popup.id, **first))
            slow.flush()
            futures = [visitors.begin(sign_ups.sign_up(shop_id, wish(popup, "first@example.com")))]
            _wait(lambda: sign_ups._queues.get(shop_id) == [])
            futures += [visitors.begin(sign_ups.sign_up(shop_id, one)) for one in wishes]
            _wait(lambda: len(sign_ups._queues[shop_id]) == len(wishes))
        wait(futures, timeout=20)
    assert sign_ups._queues == {}
    return futures[1:]


def _wait(until: Any) -> None:
    deadline = time.monotonic() + 20
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def receipts(runtime: Runtime, shop: Shop) -> tuple[int, int]:
    """How many receipts, and how many transactions they were written in."""
    with runtime.database.shop(shop.id) as session:
        counted = session.execute(
            select(func.count(), func.count(func.distinct(text("xmin::text")))).select_from(ConsentReceipt)
        )
        return tuple(counted.one())  # type: ignore[return-value]  # two counts


def test_who_comes_at_the_same_time_shares_a_transaction_and_gets_a_code_of_his_own(
    runtime: Runtime,
    shop: Shop,
    popup: Popup,
) -> None:
    answers = [future.result() for future in at_once(runtime, popup, [wish(popup, f"{n}@example.com") for n in "abcd"])]
    assert [answer.state for answer in answers] == ["code"] * 4
    assert len({answer.code for answer in answers}) == 4
    assert receipts(runtime, shop) == (4, 1)
    with runtime.database.system() as session:
        told = text("select args ->> 'receipt_id', args ->> 'last' from procrastinate_jobs where task_name = :job")
        jobs = session.execute(told, {"job": "popups.tell_shopify"}).all()
        ids = session.scalars(select(ConsentReceipt.id).order_by(ConsentReceipt.id)).all()
    assert [(int(first), int(last)) for first, last in jobs] == [(ids[0], ids[3])]


def test_one_mailbox_by_several_names_gets_one_code_within_one_transaction(
    runtime: Runtime,
    shop: Shop,
    popup: Popup,
) -> None:
    names = ["bea@gmail.com", "b.ea+1@gmail.com", "BEA@googlemail.com"]
    answers = {future.result() for future in at_once(runtime, popup, [wish(popup, name) for name in names])}
    assert [answer.state for answer in answers] == ["code"]
    assert receipts(runtime, shop) == (1, 1)


def test_a_wish_that_cannot_be_keeps_nobody_else_from_a_code(
    runtime: Runtime,
    shop: Shop,
    popup: Popup,
) -> None:
    wishes = [
        wish(popup, "a@example.com"),
        wish(popup, "b@example.com", popup_id=2**63),
        wish(popup, "c@example.com", popup_id=99),
        wish(popup, "d@"),
    ]
    good, impossible, gone, invalid = at_once(runtime, popup, wishes)
    assert good.result().state == "code"
    with pytest.raises(DBAPIError):
        impossible.result()
    assert (gone.result(), invalid.result()) == (Answer("gone"), Answer("invalid"))
    assert receipts(runtime, shop) == (1, 1)


def test_a_shop_that_has_left_takes_none_of_them(runtime: Runtime, shop: Shop, popup: Popup) -> None:
    with runtime.database.system() as session:
        session.execute(update(Shop).values(state="uninstalled"))
    # Nobody of a shop that has left waits for anybody else's address, so none can be held up here.
    sign_ups = SignUps(runtime)
    with closing(LoopThread("visitors")) as visitors:
        futures = [visitors.begin(sign_ups.sign_up(shop.id, wish(popup, f"{n}@example.com"))) for n in "ab"]
        assert [future.result(timeout=20) for future in futures] == [Answer("gone")] * 2
    assert receipts(runtime, shop) == (0, 0)
