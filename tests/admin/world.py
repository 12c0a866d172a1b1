"""A shop for the tests of admin pages: a few members, orders and points, made through the product's own services."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.customers.models import Account, AccountIdentity, Customer
from app.loyalty import programs, service
from app.loyalty.ledger import Holder
from app.loyalty.models import Program
from app.orders.models import AccountTotals, Order
from app.runtime import Runtime
from tests.admin.opened import installed, words
from tests.shopify.signing import SHOP, id_token

BOUGHT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Admin:
    """A member of the shop's staff in front of the admin."""

    client: FlaskClient
    runtime: Runtime
    shop_id: int
    domain: str = SHOP
    sub: str = "81"
    # Where the application is served, in tests with a browser.
    origin: str = ""

    def get(self, path: str, **query: Any) -> TestResponse:
        """A page, as App Bridge fetches it."""
        return self.client.get(path, query_string=query or None, headers=self.headers())

    def shown(self, path: str, **query: Any) -> str:
        """A page's text without markup, spaces made one."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, (path, answer.status_code, words(answer))
        return words(answer)

    def post(self, path: str, key: str = "k1", **form: Any) -> TestResponse:
        """A form sent from one of our pages."""
        return self.client.post(path, data={"key": key, **form}, headers=self.headers())

    def statements(self, path: str) -> int:
        """How many statements the page of an address takes."""
        counted: list[str] = []

        def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            counted.append(statement)

        event.listen(self.runtime.database.engine, "before_cursor_execute", count)
        try:
            assert self.get(path).status_code == 200, path
        finally:
            event.remove(self.runtime.database.engine, "before_cursor_execute", count)
        return len(counted)

    def headers(self) -> dict[str, str]:
        """Those of a fetch through App Bridge."""
        return {"Authorization": f"Bearer {id_token(self.domain, sub=self.sub)}"}

    def program(self, session: Session) -> Program:
        """The shop's program."""
        return programs.default_program(session, self.shop_id)


def seen(answer: TestResponse, action: str) -> str:
    """The hidden state of the form with an action."""
    form = answer.text.split(f'action="{action}"')[1]
    found = re.search(r'name="seen" value="([^"]*)"', form)
    assert found
    return unescape(found[1])


def staff(client: FlaskClient, runtime: Runtime, domain: str = SHOP) -> Admin:
    """A shop that is installed with every scope, and somebody of its staff."""
    return Admin(client, runtime, installed(runtime, domain).id, domain)


def member(
    session: Session, shop_id: int, number: int, *, first: str | None = None, last: str | None = None, points: int = 0
) -> int:
    """A customer with an account, and points given by hand; returns the account's id."""
    account = Account(shop_id=shop_id, created_at=BOUGHT)
    session.add(account)
    session.flush()
    email = f"{(first or 'guest').lower()}{number}@example.com"
    session.add(AccountIdentity(shop_id=shop_id, kind="customer", value=str(number), account_id=account.id))
    session.add(Customer(shop_id=shop_id, id=number, email=email, first_name=first, last_name=last, created_at=BOUGHT))
    session.flush()
    if points:
        holder = Holder(shop_id, programs.default_program(session, shop_id).id, account.id)
        service.adjust(session, holder, points, request_id=f"gift {number}", note="welcome", actor="key:1")
    return account.id


def order(session: Session, shop_id: int, account_id: int, number: int, minor: int, *, imported: bool = False) -> None:
    """A paid order of an account, settled."""
    session.add(
        Order(
            shop_id=shop_id, id=number, account_id=account_id, name=f"#{number}", currency="EUR",
            subtotal_minor=minor, current_subtotal_minor=minor, total_minor=minor, current_total_minor=minor,
            financial_status="paid", paid=True, imported=imported, created_at=BOUGHT, processed_at=BOUGHT,
            updated_at=BOUGHT,
        )
    )  # fmt: skip
    session.add(
        AccountTotals(shop_id=shop_id, account_id=account_id, orders=1, spent_minor=minor, last_order_at=BOUGHT)
    )
    session.flush()
    service.settle(session, [(shop_id, account_id)])
