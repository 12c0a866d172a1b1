"""A shop whose program rewards bringing friends, and what became of each friend's order."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from app import job_table
from app.customers import accounts
from app.loyalty.programs import DEFAULT_RULES
from app.loyalty.verify import verify
from app.referrals import codes
from app.runtime import Runtime
from app.shops.models import Shop
from tests.customers.conftest import People

REFERRAL: dict[str, Any] = {"advocate": 500, "friend": 200, "minimum": "20.00"}
HOME = {"address1": "1 Market Street", "zip": "10115", "city": "Berlin", "country_code": "DE"}
AWAY = {"address1": "2 Market Street", "zip": "10115", "city": "Berlin", "country_code": "DE"}
ANN, BEN, CEM = 7, 8, 9


class Circle(People):
    """Ann, who has a code, and whoever she may bring."""

    def __init__(self, runtime: Runtime, shop: Shop, referral: dict[str, Any] | None = REFERRAL) -> None:
        super().__init__(runtime, shop)
        rules = DEFAULT_RULES | ({"referral": referral} if referral else {})
        with runtime.database.system() as session:
            session.execute(text("update rule_versions set rules = :rules"), {"rules": orjson.dumps(rules).decode()})

    def code(self, customer: int = ANN) -> str:
        """The code of a customer."""
        with self.runtime.database.system() as session:
            key = (self.shop.id, customer)
            account = accounts.own_accounts_of_customers(session, {key})[key]
            return codes.ensure(session, self.shop.id, [account])[account]

    def brought(
        self, order: int, customer: int | None, cents: int = 10_000, *, ref: str | None = None, **more: Any
    ) -> None:
        """An order whose cart carries Ann's code, or another one."""
        attributes = [{"name": "_ref", "value": ref or self.code()}]
        self.order(order, cents, customer, **{"note_attributes": attributes} | more)

    def referrals(self) -> list[tuple[int, str, str | None]]:
        """(order, how it was matched, why it is refused)."""
        with self.runtime.database.system() as session:
            found = session.execute(text("select order_id, matched_by, refused from referrals order by order_id"))
            return [tuple(row) for row in found]

    def brings(self, customer: int) -> int:
        """What a customer's account has of referrals."""
        with self.runtime.database.system() as session:
            key = (self.shop.id, customer)
            account = accounts.accounts_of_customers(session, {key})[key]
            found = text(
                "select coalesce(sum(granted), 0) from lots where account_id = :a and source_kind = 'referral'"
            )
            return int(session.scalar(found, {"a": account}) or 0)

    def rewarded(self) -> tuple[int, int]:
        """Points that Ann and Ben have of referrals."""
        return self.brings(ANN), self.brings(BEN)

    def require_true(self) -> None:
        """Every law of the ledger holds."""
        with self.runtime.database.system() as session:
            assert verify(session).disagreements == ()


@pytest.fixture
def circle(runtime: Runtime, shop: Shop) -> Iterator[Circle]:
    job_table.load()
    made = Circle(runtime, shop)
    made.customer(ANN, "ann@example.com", phone="+4915112345678")
    made.customer(BEN, "ben@example.com")
    yield made
    made.require_true()
