"""A key of one shop sees nothing of another, neither through the API nor through what the API stands on."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from app.api.models import ApiKey, IdempotentRequest
from app.customers.models import AccountIdentity
from app.loyalty.ledger import Holder
from app.loyalty.models import LedgerEntry, Redemption, Reward
from app.runtime import Runtime
from app.shops.models import Shop
from tests.api.conftest import CUSTOMER, Api
from tests.api.test_events import receive

ONE = f"/customers/{CUSTOMER}"


@pytest.fixture
def busy_shop(api: Api, runtime: Runtime, shop: Shop, holder: Holder, give: Callable[[int], None]) -> dict[str, str]:
    """Something of everything in the first shop."""
    give(500)
    made = api.post(f"{ONE}/redemptions", {"reward_id": "1"}, key="k").get_json()
    return {"redemption": made["id"], "event": str(receive(runtime, shop, 1, state="parked"))}


def test_another_shops_key_finds_nothing(stranger: Api, busy_shop: dict[str, str]) -> None:
    redemption, event = busy_shop["redemption"], busy_shop["event"]
    found = [
        stranger.get(ONE),
        stranger.get(f"{ONE}/ledger"),
        stranger.get(f"{ONE}/redemptions"),
        stranger.get(f"{ONE}/redemptions/{redemption}"),
        stranger.delete(f"{ONE}/redemptions/{redemption}"),
        stranger.post(f"{ONE}/adjustments", {"points": 5, "reason": "x"}),
        stranger.post(f"{ONE}/redemptions", {"reward_id": "1"}, key="k"),
        stranger.post(f"/events/{event}/replay"),
    ]
    assert {answer.status_code for answer in found} == {404}
    assert stranger.get("/events").get_json()["data"] == []
    assert [row["id"] for row in stranger.get("/rewards").get_json()["data"]] == ["2"]


def test_unknown_and_foreign_look_the_same(stranger: Api, busy_shop: dict[str, str]) -> None:
    foreign = stranger.get(ONE).get_json()
    unknown = stranger.get("/customers/12345").get_json()
    assert foreign == {**unknown, "detail": unknown["detail"].replace("12345", str(CUSTOMER))}


@pytest.mark.parametrize("table", [ApiKey, IdempotentRequest, AccountIdentity, LedgerEntry, Redemption, Reward])
def test_a_session_of_one_shop_sees_no_row_of_another(
    runtime: Runtime, shop: Shop, stranger: Api, busy_shop: dict[str, str], table: type
) -> None:
    with runtime.database.shop(shop.id + 1) as session:
        foreign = select(func.count()).select_from(table).where(table.shop_id == shop.id)  # type: ignore[attr-defined]  # every table here has it
        assert session.scalar(foreign) == 0
