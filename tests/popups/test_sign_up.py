"""One mailbox gets one code, whatever it is called and however many ask at the same time."""

import threading
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.customers.models import AccountIdentity
from app.discounts.pools.models import CodePool, PoolCode
from app.errors import NotFound
from app.popups import service
from app.popups.models import ConsentReceipt, ConsentText, Popup, SignUp
from app.popups.sign_up import Answer, Wish, sign_up
from app.runtime import Runtime
from app.shops.models import Shop
from tests.popups.conftest import DEFINITION, WORDS


def ask(session: Session, popup: Popup, email: str, **more: Any) -> Answer:
    version = popup.definition["texts"]["en"]["consent_version"]
    return sign_up(session, popup.shop_id, Wish(**({"popup_id": popup.id, "email": email, "consent": version} | more)))


def counts(session: Session) -> dict[str, int]:
    tables = {"sign_ups": SignUp, "receipts": ConsentReceipt, "accounts": AccountIdentity}
    found = {name: session.scalar(select(func.count()).select_from(table)) or 0 for name, table in tables.items()}
    given = session.scalar(select(func.count()).select_from(PoolCode).where(PoolCode.state == "given"))
    return found | {"given": given or 0}


def test_an_address_gets_a_code_an_account_and_a_receipt(runtime: Runtime, shop: Shop, popup: Popup) -> None:
    with runtime.database.shop(shop.id) as session:
        answer = ask(session, popup, "Bea@Example.com", language="en", page="home", how="exit", ref="ANN")
        assert answer == Answer("code", "WELCOME-0")
    with runtime.database.shop(shop.id) as session:
        row = session.scalars(select(SignUp)).one()
        assert (row.email, row.mailbox, row.code, row.ref) == ("bea@example.com", "bea@example.com", "WELCOME-0", "ANN")
        receipt = session.scalars(select(ConsentReceipt)).one()
        assert (receipt.account_id, receipt.address, receipt.channel) == (row.account_id, "bea@example.com", "email")
        assert (receipt.source, receipt.told_at) == (f"popup:{popup.id}", None)
        assert session.get_one(ConsentText, (shop.id, receipt.version)).text == WORDS
        owner = session.get_one(AccountIdentity, (shop.id, "email", "bea@example.com"))
        assert owner.account_id == row.account_id
    with runtime.database.system() as session:
        planned = text("select count(*) from procrastinate_jobs where task_name = 'popups.tell_shopify'")
        assert session.scalar(planned) == 1


@pytest.mark.parametrize("again", ["bea@gmail.com", "BEA@gmail.com", "b.e.a@gmail.com", "bea+2@googlemail.com"])
def test_variants_of_a_mailbox_get_the_same_answer_again_and_nothing_else(
    runtime: Runtime, shop: Shop, popup: Popup, again: str
) -> None:
    with runtime.database.shop(shop.id) as session:
        first = ask(session, popup, "bea@gmail.com")
    with runtime.database.shop(shop.id) as session:
        assert ask(session, popup, again) == first
    with runtime.database.shop(shop.id) as session:
        found = counts(session)
        assert (found["sign_ups"], found["receipts"], found["given"]) == (1, 1, 1)


@pytest.mark.requirement(12, partly=True)
def test_sixty_four_at_once_with_one_mailbox_get_one_code(runtime: Runtime, shop: Shop, popup: Popup) -> None:
    answers: list[Answer] = []
    start = threading.Barrier(16)

    def knock(caller: int) -> None:
        start.wait()
        for number in range(4):
            with runtime.database.shop(shop.id) as session:
                answers.append(ask(session, popup, f"bea+{caller}.{number}@gmail.com"))

    callers = [threading.Thread(target=knock, args=(caller,)) for caller in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(answers) == 64
    assert len(set(answers)) == 1
    with runtime.database.shop(shop.id) as session:
        found = counts(session)
        assert (found["sign_ups"], found["given"]) == (1, 1)


def test_a_dry_pool_answers_later_and_keeps_the_place(runtime: Runtime, shop: Shop, popup: Popup) -> None:
    with runtime.database.shop(shop.id) as session:
        session.execute(text("update pool_codes set state = 'given'"))
        assert ask(session, popup, "bea@example.com") == Answer("later")
        assert ask(session, popup, "bea@example.com") == Answer("later")
    with runtime.database.shop(shop.id) as session:
        assert session.scalars(select(SignUp.code)).all() == [None]
        assert counts(session)["receipts"] == 1


@pytest.mark.requirement(17, partly=True)
def test_a_code_counts_as_given_only_with_the_sign_up_it_was_given_for(
    runtime: Runtime, shop: Shop, popup: Popup
) -> None:
    with pytest.raises(ConnectionError), runtime.database.shop(shop.id) as session:
        assert ask(session, popup, "bea@example.com") == Answer("code", "WELCOME-0")
        raise ConnectionError
    with runtime.database.shop(shop.id) as session:
        assert counts(session) == {"sign_ups": 0, "receipts": 0, "accounts": 0, "given": 0}
        assert ask(session, popup, "cem@example.com") == Answer("code", "WELCOME-0")


@pytest.mark.parametrize("email", ["bea@", "", "bea@mailinator.com", "bea@example.com\nBcc: all@example.com", "@x.com"])
def test_what_no_mail_can_reach_is_invalid_and_leaves_nothing(
    runtime: Runtime, shop: Shop, popup: Popup, email: str
) -> None:
    with runtime.database.shop(shop.id) as session:
        assert ask(session, popup, email) == Answer("invalid")
    with runtime.database.shop(shop.id) as session:
        assert counts(session) == {"sign_ups": 0, "receipts": 0, "accounts": 0, "given": 0}


@pytest.mark.parametrize("change", [{"popup_id": 99}, {"consent": "unknown"}, {"consent": None}])
def test_a_popup_or_words_that_are_not_there_are_refused_and_leave_nothing(
    runtime: Runtime, shop: Shop, popup: Popup, change: dict[str, Any]
) -> None:
    with pytest.raises(NotFound), runtime.database.shop(shop.id) as session:
        ask(session, popup, "bea@example.com", **change)
    with runtime.database.shop(shop.id) as session:
        assert counts(session) == {"sign_ups": 0, "receipts": 0, "accounts": 0, "given": 0}


def test_a_popup_that_is_switched_off_takes_nobody(runtime: Runtime, shop: Shop, popup: Popup) -> None:
    with runtime.database.shop(shop.id) as session:
        service.change(session, shop.id, popup.id, active=False)
    with pytest.raises(NotFound), runtime.database.shop(shop.id) as session:
        ask(session, popup, "bea@example.com")


def test_words_of_a_page_that_was_opened_before_a_change_still_count(
    runtime: Runtime, shop: Shop, popup: Popup
) -> None:
    with runtime.database.shop(shop.id) as session:
        texts = {"en": {"title": "Wait", "consent": "Something new."}}
        service.change(session, shop.id, popup.id, definition=DEFINITION | {"texts": texts})
    with runtime.database.shop(shop.id) as session:
        assert ask(session, popup, "bea@example.com").state == "code"
        version = session.scalars(select(ConsentReceipt.version)).one()
        assert session.get_one(ConsentText, (shop.id, version)).text == WORDS


def test_a_pool_is_opened_with_its_popup(runtime: Runtime, shop: Shop, popup: Popup) -> None:
    with runtime.database.shop(shop.id) as session:
        pool = session.get_one(CodePool, (shop.id, popup.pool_id))
        assert (pool.title, pool.value, pool.target) == ("Welcome", 500, 10)
