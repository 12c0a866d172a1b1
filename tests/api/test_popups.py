"""Popups by API: made, changed, switched, and what came of them."""

from typing import Any

import pytest
from sqlalchemy import func, select, text

from app import clock, job_table
from app.discounts.pools.models import CodePool
from app.orders.models import Order, OrderCode
from app.popups import counting
from app.popups.models import Popup, SignUp
from app.runtime import Runtime
from app.shops.models import Shop
from tests.api.conftest import Api

DEFINITION: dict[str, Any] = {
    "trigger": {"exit": True},
    "texts": {"en": {"title": "Wait", "consent": "I agree to receive offers by e-mail."}},
}
OFFER = {"title": "Welcome", "kind": "amount_off", "value": "5.00", "minimum": "20"}


@pytest.fixture(autouse=True)
def _jobs() -> None:
    job_table.load()


def made(api: Api, **more: Any) -> dict[str, Any]:
    answer = api.post("/popups", {"name": "Exit", "definition": DEFINITION, "offer": OFFER} | more)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.get_json()
    return document


def test_a_popup_is_made_switched_off_with_a_pool_of_its_own(api: Api, runtime: Runtime) -> None:
    popup = made(api)
    assert (popup["active"], popup["offer"]["state"], popup["offer"]["free_codes"]) == (False, "planned", 0)
    assert (popup["offer"]["value"], popup["offer"]["minimum"]) == ("5.00", {"amount": "20.00", "currency": "USD"})
    assert popup["statistics"]["revenue"] == {"amount": "0.00", "currency": "USD"}
    assert api.get(f"/popups/{popup['id']}").get_json() == popup
    share = made(api, offer={"title": "Welcome", "kind": "percent_off", "value": "12.5"})
    assert (share["offer"]["value"], share["offer"]["minimum"]["amount"]) == ("12.50", "0.00")
    with runtime.database.system() as session:
        assert session.scalars(select(CodePool.value).order_by(CodePool.id)).all() == [500, 1_250]


def test_it_is_switched_on_and_changed_and_each_is_audited(api: Api, runtime: Runtime) -> None:
    popup = made(api)
    changed = api.request("PATCH", f"/popups/{popup['id']}", json={"active": True, "name": "Leaving"}).get_json()
    assert (changed["active"], changed["name"], changed["definition"]) == (True, "Leaving", popup["definition"])
    what = [entry["what"] for entry in api.get("/audit").get_json()["data"]]
    assert what == ["popup.changed", "popup.created"]


def test_every_wrong_field_is_named_and_nothing_is_made(api: Api, runtime: Runtime) -> None:
    wrong = {"trigger": {}, "texts": {"en": {"title": "x"}}, "timer": 5}
    refused = api.post("/popups", {"name": "Exit", "definition": wrong, "offer": OFFER})
    assert refused.status_code == 400
    pointers = {fault["pointer"] for fault in refused.get_json()["errors"]}
    assert pointers == {"/definition/trigger/exit", "/definition/texts/en/consent", "/definition/timer"}
    with runtime.database.system() as session:
        counted = [session.scalar(select(func.count()).select_from(table)) for table in (Popup, CodePool)]
    assert counted == [0, 0]


@pytest.mark.parametrize("value", ["0", "100.5"])
def test_an_offer_that_cannot_be_is_refused(api: Api, value: str) -> None:
    offer = {"title": "x", "kind": "percent_off", "value": value}
    assert api.post("/popups", {"name": "Exit", "definition": DEFINITION, "offer": offer}).status_code == 400


def test_lists_come_in_pages_and_other_shops_see_none(api: Api, stranger: Api) -> None:
    ids = [made(api)["id"] for _ in range(3)]
    assert [popup["id"] for popup in api.walk("/popups", limit=2)] == ids
    assert stranger.get("/popups").get_json()["data"] == []
    assert stranger.get(f"/popups/{ids[0]}").status_code == 404
    assert stranger.request("PATCH", f"/popups/{ids[0]}", json={"active": True}).status_code == 404


@pytest.mark.requirement(12, partly=True)
@pytest.mark.requirement(191, partly=True)
def test_statistics_count_views_sign_ups_and_what_orders_with_the_codes_came_to(
    api: Api, runtime: Runtime, shop: Shop
) -> None:
    popup, other = made(api), made(api)
    api.request("PATCH", f"/popups/{popup['id']}", json={"active": True})
    with runtime.database.shop(shop.id) as session:
        for closed in (True, False, True):
            counting.note_view(session, shop.id, int(popup["id"]), closed=closed)
        for number in range(4):
            session.add(
                SignUp(
                    shop_id=shop.id,
                    popup_id=int(popup["id"]),
                    mailbox=f"{number}@example.com",
                    email=f"{number}@example.com",
                    code=f"WELCOME-{number}",
                    created_at=clock.now(),
                )
            )
        for number, total in enumerate((2_000, 3_050, 700)):
            session.add(Order(shop_id=shop.id, id=number + 1, total_minor=9_999, current_total_minor=total))
            session.add(
                OrderCode(
                    shop_id=shop.id,
                    order_id=number + 1,
                    code=f"WELCOME-{number}",
                    amount_minor=500,
                    kind="fixed_amount",
                )
            )
        session.flush()
        session.execute(text("update orders set cancelled_at = :now where id = 3"), {"now": clock.now()})
    assert api.get(f"/popups/{popup['id']}").get_json()["statistics"] == {
        "views": 3,
        "closes": 2,
        "sign_ups": 4,
        "codes_used": 2,
        "revenue": {"amount": "50.50", "currency": "USD"},
    }
    assert api.get(f"/popups/{other['id']}").get_json()["statistics"]["sign_ups"] == 0
