"""The brand that a merchant chooses reaches the storefront, and popups that are made afterwards begin with it."""

from app.admin.models import ShopProfile
from app.storefront.publishing import PROGRAM, take_shop
from tests.admin.opened import words
from tests.admin.world import Admin, seen


def program_told(admin: Admin) -> dict[str, object] | None:
    """What of the program is due to be published; nothing is published by asking."""
    with admin.runtime.database.shop(admin.shop_id) as session:
        turn = take_shop(session, admin.shop_id)
        session.rollback()
        return turn.values.get(PROGRAM, {}) if turn is not None else None


def test_the_brand_is_published_and_new_popups_begin_with_it(admin: Admin) -> None:
    assert program_told(admin) is None
    brand = {"colour": "#123456", "languages": ["en", "ja"]}
    before = seen(admin.get("/settings"), "/settings/brand")
    assert admin.post("/settings/brand", key="1", seen=before, **brand).status_code == 204
    told = program_told(admin)
    assert told is not None
    assert told["colour"] == "#123456"
    editor = admin.get("/popups/new")
    assert 'value="#123456"' in editor.text
    assert "日本語" in words(editor)


def test_a_shop_without_a_brand_publishes_none_and_popups_begin_as_ever(admin: Admin) -> None:
    assert '"#1d5b4f"' in admin.get("/popups/new").text
    assert admin.post("/setup/look", key="1", name="Points", languages="en", colour="#abcdef").status_code == 204
    told = program_told(admin)
    assert told is not None
    assert told["colour"] == "#abcdef"
    with admin.runtime.database.shop(admin.shop_id) as session:
        session.delete(session.get_one(ShopProfile, admin.shop_id))
    told = program_told(admin)
    assert told is not None
    assert "colour" not in told
