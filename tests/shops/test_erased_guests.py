"""Who was forgotten stays so: what is told late of an erased order counts, and does not tell again who it was."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest
from sqlalchemy import text

from app import clock, job_table
from app.jobs import drain
from app.runtime import Runtime
from app.shops import erased_addresses, privacy, privacy_commands, queries, secrets
from app.shops.models import PrivacyRequest, Shop
from app.shops.personal_data import export_customer
from tests.customers.conftest import People

ADA = "ada@example.com"
job_table.load()


def rows(runtime: Runtime, query: str) -> list[tuple[Any, ...]]:
    with runtime.database.system() as session:
        return [tuple(row) for row in session.execute(text(query))]


def forget(runtime: Runtime, shop: Shop, **person: Any) -> None:
    body = {"customer": {"id": None, "email": person.get("email")}, "orders_to_redact": person.get("orders", [])}
    with runtime.database.system() as session:
        privacy.redact_customer(session, shop.id, body, "w-redact")


def test_a_late_delivery_of_an_erased_guests_order_counts_and_names_nobody(runtime: Runtime, shop: Shop) -> None:
    people = People(runtime, shop)
    people.order(1, 10_000, email=ADA)
    forget(runtime, shop, email=ADA)
    people.order(1, 10_000, email=ADA, phone="+4915112345678", landing_site="/?x", current_subtotal_price="60.00",
                 current_subtotal_price_set={"shop_money": {"amount": "60.00", "currency_code": "USD"}})  # fmt: skip
    assert rows(runtime, "select email, phone, landing_site, current_subtotal_minor from orders") == [
        (None, None, None, 6000)
    ]
    assert rows(runtime, "select kind, value from identities") == []
    assert rows(runtime, "select points from balances") == [(60,)], "the refund is posted where the points are"
    assert rows(runtime, "select distinct task_name from procrastinate_jobs") == [("privacy.blank_bodies",)]


def test_an_order_that_was_erased_before_it_came_belongs_to_nobody(runtime: Runtime, shop: Shop) -> None:
    forget(runtime, shop, email=ADA, orders=[1])
    People(runtime, shop).order(1, 10_000, email=ADA)
    assert rows(runtime, "select email, account_id, subtotal_minor from orders") == [(None, None, 10_000)]
    assert rows(runtime, "select value from identities") == []


def test_a_new_order_of_somebody_with_the_address_is_a_new_beginning(runtime: Runtime, shop: Shop) -> None:
    people = People(runtime, shop)
    people.order(1, 10_000, email=ADA)
    forget(runtime, shop, email=ADA)
    people.order(2, 5_000, email=ADA)
    assert rows(runtime, "select points from balances order by points") == [(50,), (100,)]


def erased_before(runtime: Runtime, shop: Shop, email: str) -> None:
    """A request that came through the door and was carried out: digests, not the address."""
    body = {"customer": {"id": None, "email": email}, "orders_to_redact": []}
    with runtime.database.system() as session:
        privacy.redact_customer(session, shop.id, body, "w-redact")
        request = session.query(PrivacyRequest).one()
        request.received_at = clock.now()
        key = secrets.code_key(runtime.keyring, queries.shop(session, shop.id))
        erased_addresses.remember(session, request, key, email, "+49 (151) 12345678")
        session.execute(text("delete from procrastinate_jobs"))


@pytest.mark.parametrize("named", [{"email": ADA.upper()}, {"phone": "0049 151 12345678"}])
def test_an_old_order_of_an_erased_guest_that_is_told_of_late_is_forgotten_too(
    runtime: Runtime, shop: Shop, named: dict[str, Any]
) -> None:
    """Nobody had told of it when the guest was erased: only a digest under the shop's own key recognises the guest."""
    erased_before(runtime, shop, ADA)
    People(runtime, shop).order(1, 10_000, **named)
    drain(runtime)
    assert rows(runtime, "select email, phone, redacted_at is not null, subtotal_minor from orders") == [
        (None, None, True, 10_000)
    ]
    assert rows(runtime, "select value from identities where kind <> 'customer'") == []
    assert rows(runtime, "select points from balances") == [(100,)], "what was bought counts, for nobody by name"
    assert rows(runtime, "select order_ids from privacy_requests") == [([1],)]
    assert ADA.encode() not in rows(runtime, "select string_agg(digest, '') from erased_addresses")[0][0]


def test_others_and_new_beginnings_are_left_alone(runtime: Runtime, shop: Shop) -> None:
    erased_before(runtime, shop, ADA)
    with runtime.database.system() as session:
        session.execute(text("update erased_addresses set erased_at = '2000-01-01'"))
    people = People(runtime, shop)
    people.order(1, 10_000, email=ADA)
    assert drain(runtime) == 0, "an order that is younger than every erasure is not even looked at"
    with runtime.database.system() as session:
        session.execute(text("update erased_addresses set erased_at = '2100-01-01'"))
    people.order(2, 5_000, email="charles@example.com")
    drain(runtime)
    assert rows(runtime, "select email from orders order by id") == [(ADA,), ("charles@example.com",)]


def test_what_is_held_of_a_guest_can_be_handed_out(runtime: Runtime, shop: Shop) -> None:
    People(runtime, shop).order(1, 10_000, email=ADA)
    with runtime.database.system() as session:
        privacy.data_request(session, shop.id, {"customer": {"id": None, "email": ADA}}, "w-ask")
        document = export_customer(session, shop.id, None, ADA)
        assert ([order["id"] for order in document["orders"]], document["points"][0]["points"]) == ([1], 100)
        for _ in range(2):
            privacy.answered(session, shop.id, session.query(PrivacyRequest).one().id, document)
        request = session.query(PrivacyRequest).one()
    assert request.done_at is not None
    assert json.loads(request.receipt or "")["orders"] == 1
    assert ADA not in (request.receipt or "")


def test_the_command_writes_a_file_for_the_merchant_and_closes_the_request(
    runtime: Runtime, shop: Shop, tmp_path: Path
) -> None:
    People(runtime, shop).order(1, 10_000, email=ADA)
    with runtime.database.system() as session:
        privacy.data_request(session, shop.id, {"customer": {"id": None, "email": ADA}}, "w-ask")
    [line] = privacy_commands.listed(runtime, shop.domain)
    assert "open" in line
    file = tmp_path / "ada.json"
    for email in (None, ADA):
        with suppress(click.ClickException):
            privacy_commands.handed_out(runtime, shop.domain, 1, None, email, file)
    assert json.loads(file.read_text())["orders"][0]["email"] == ADA
    assert file.stat().st_mode & 0o777 == 0o600
    [line] = privacy_commands.listed(runtime, shop.domain)
    assert "done" in line
    with pytest.raises(click.ClickException):
        privacy_commands.handed_out(runtime, shop.domain, None, None, ADA, file)


def test_a_number_is_erased_however_it_was_written(runtime: Runtime, shop: Shop) -> None:
    people = People(runtime, shop)
    people.order(1, 10_000, phone="+49 151 12345678")
    body = {"customer": {"id": None, "phone": "+49 (151) 12345678"}, "orders_to_redact": []}
    with runtime.database.system() as session:
        privacy.redact_customer(session, shop.id, body, "w-redact")
    assert rows(runtime, "select value from identities") == []
    assert rows(runtime, "select phone from orders") == [(None,)]
