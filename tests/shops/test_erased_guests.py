"""Who was forgotten stays so: what is told late of an erased order counts, and does not tell again who it was."""

from typing import Any

from sqlalchemy import text

from app import job_table
from app.runtime import Runtime
from app.shops import privacy
from app.shops.models import Shop
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


def test_a_number_is_erased_however_it_was_written(runtime: Runtime, shop: Shop) -> None:
    people = People(runtime, shop)
    people.order(1, 10_000, phone="+49 151 12345678")
    body = {"customer": {"id": None, "phone": "+49 (151) 12345678"}, "orders_to_redact": []}
    with runtime.database.system() as session:
        privacy.redact_customer(session, shop.id, body, "w-redact")
    assert rows(runtime, "select value from identities") == []
    assert rows(runtime, "select phone from orders") == [(None,)]
