"""Popups in the admin: made, changed, switched; the stage on which the storefront's own script shows them."""

import pytest
from sqlalchemy import select

from app import job_table
from app.discounts.pools.models import CodePool
from app.popups.models import Popup
from tests.admin.opened import words
from tests.admin.world import Admin, seen, staff

WORDS = "I agree to offers by e-mail."
FORM = {
    "name": "Exit", "accent": "#aa2233", "teaser": "1", "title.en": "Wait <b>", "consent.en": WORDS, "exit": "1",
    "days": "14", "times": "3", "offer": "Welcome", "kind": "percent_off", "value": "12.5", "devices": "phone",
}  # fmt: skip


@pytest.fixture(autouse=True)
def jobs() -> None:
    job_table.load()


def popup_of(admin: Admin) -> Popup:
    with admin.runtime.database.shop(admin.shop_id) as session:
        return session.scalars(select(Popup)).one()


def test_a_popup_is_made_once_switched_off_and_shown_when_switched_on(admin: Admin) -> None:
    assert "No popups yet" in admin.shown("/popups")
    for _ in range(2):
        answer = admin.post("/popups", key="same", **FORM)
        assert answer.status_code == 204, words(answer)
    made = popup_of(admin)
    assert (made.name, made.active) == ("Exit", False)
    assert made.definition["texts"]["en"]["title"] == "Wait <b>"
    assert made.definition["target"] == {"devices": ["phone"]}
    with admin.runtime.database.shop(admin.shop_id) as session:
        pool = session.scalars(select(CodePool)).one()
    assert (pool.kind, pool.value, pool.title) == ("percent_off", 1250, "Welcome")
    shown = admin.shown("/popups")
    assert "Exit 12.5% off Off 0 0 0 €0.00 0 Switch on" in shown
    assert admin.post(f"/popups/{made.id}/switch", key="on", on="yes").status_code == 204
    assert popup_of(admin).active


def test_a_form_for_some_stands_in_a_page_and_says_its_number(admin: Admin) -> None:
    whom = {"form": "1", "languages": "en", "countries": "de, at", "cart_from": "10", "cart_to": "50.50"}
    answer = admin.post("/popups", **{**FORM, "exit": "", **whom})
    assert answer.status_code == 204, words(answer)
    made = popup_of(admin)
    assert made.definition["trigger"]["form"] is True
    target = {"languages": ["en"], "countries": ["DE", "AT"], "cart_from": 10_00, "cart_to": 50_50}
    assert made.definition["target"] == {"devices": ["phone"], **target}
    page = admin.get(f"/popups/{made.id}")
    assert f"Its number for the theme editor: {made.id}." in words(page)
    for typed in ('value="DE, AT"', 'value="10.00"', 'value="50.50"'):
        assert typed in page.text


def test_a_change_keeps_the_offer_and_notices_another_editor(admin: Admin) -> None:
    admin.post("/popups", **FORM)
    address = f"/popups/{popup_of(admin).id}"
    page = admin.get(address)
    assert 'value="Wait &lt;b&gt;"' in page.text
    before = seen(page, address)
    assert admin.post(address, key="2", seen=before, **{**FORM, "title.en": "Stay"}).status_code == 204
    assert popup_of(admin).definition["texts"]["en"]["title"] == "Stay"
    answer = admin.post(address, key="3", seen=before, **{**FORM, "title.en": "Go"})
    assert answer.status_code == 422
    assert 'value="Go"' in answer.text
    assert popup_of(admin).definition["texts"]["en"]["title"] == "Stay"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"title.en": "", "consent.en": ""}, "This is needed."),
        ({"consent.en": ""}, "This is needed."),
        ({"exit": None}, "Say when the popup is shown"),
        ({"countries": "Germany"}, "Write countries as codes of two letters"),
        ({"cart_from": "50", "cart_to": "50"}, "This must be more than the amount before it."),
        ({"accent": "red"}, "must be a colour such as #1d5b4f"),
        ({"value": "101"}, "At most 100 per cent."),
        ({"title.en": "x" * 121}, "must be a text of at most 120 characters"),
    ],
)
def test_what_cannot_be_shown_is_said_beside_its_field(admin: Admin, typed: dict[str, str | None], said: str) -> None:
    form = {name: value for name, value in {**FORM, **typed}.items() if value is not None}
    answer = admin.post("/popups", **form)
    assert answer.status_code == 422
    assert said in words(answer)
    with admin.runtime.database.shop(admin.shop_id) as session:
        assert session.scalars(select(Popup)).all() == []
        assert session.scalars(select(CodePool)).all() == []


def test_another_shops_popup_is_neither_shown_nor_switched(admin: Admin) -> None:
    admin.post("/popups", **FORM)
    other = staff(admin.client, admin.runtime, "other.myshopify.com")
    address = f"/popups/{popup_of(admin).id}"
    assert other.get(address).status_code == 404
    assert other.post(f"{address}/switch", on="yes").status_code == 404
    assert not popup_of(admin).active


def test_the_stage_shows_nothing_of_a_shop_and_runs_the_extensions_own_files(admin: Admin) -> None:
    answer = admin.client.get("/popup-preview?language=de")
    assert answer.status_code == 200
    assert "frame-ancestors 'self' https://admin.shopify.com" in answer.headers["Content-Security-Policy"]
    assert "E-Mail" in answer.text
    for name in ("perennial.js", "perennial-dialog.js", "perennial.css"):
        assert admin.client.get(f"/popup-preview/{name}").status_code == 200
    for name in ("perennial-copy.js", "..%2fshopify.extension.toml", "en.default.json"):
        assert admin.client.get(f"/popup-preview/{name}").status_code == 404
