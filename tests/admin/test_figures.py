"""Figures over a whole shop: counted for whoever looks at a small one; a large one is counted by a job and waits."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from app import clock, job_table
from app.admin.figures import jobs
from app.admin.models import ShopFigures
from tests.admin.test_popup_pages import FORM, popup_of
from tests.admin.world import Admin

SEEN = text("""
insert into popup_days as d (shop_id, popup_id, day, part, views, closes) values (:shop, :popup, '2026-11-01', 0, :n, 0)
on conflict (shop_id, popup_id, day, part) do update set views = d.views + :n
""")
PENDING = text("select count(*) from procrastinate_jobs where task_name = 'admin.count' and status = 'todo'")


@pytest.fixture(autouse=True)
def table() -> None:
    job_table.load()


@pytest.fixture
def large(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> Admin:
    """A shop with a popup that was seen twice, and too large to be counted while somebody waits."""
    monkeypatch.setattr("app.admin.figures.queries.SMALL", 0)
    admin.post("/popups", **FORM)
    see(admin, 2)
    return admin


def see(admin: Admin, times: int) -> None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        values = {"shop": admin.shop_id, "popup": popup_of(admin).id, "n": times}
        session.execute(SEEN, values)


def pending(admin: Admin) -> int:
    with admin.runtime.database.system() as session:
        return int(session.scalar(PENDING) or 0)


@pytest.mark.parametrize("page", ["/", "/popups", "/referrals"])
def test_a_large_shop_is_told_that_it_is_being_counted_and_counted_once(large: Admin, page: str) -> None:
    for _ in range(2):
        assert "The figures are being counted." in large.shown(page)
    assert pending(large) == 1
    jobs.count(large.runtime, shop_id=large.shop_id)
    assert "The figures are being counted." not in large.shown(page)
    assert "Counted " in large.shown(page)


def test_what_was_counted_stays_until_it_is_old_and_is_then_counted_anew(large: Admin) -> None:
    address = f"/popups/{popup_of(large).id}"
    jobs.count(large.runtime, shop_id=large.shop_id)
    assert "Views 2 Closed 0" in large.shown(address)
    see(large, 5)
    jobs.count(large.runtime, shop_id=large.shop_id)
    assert "Views 2 Closed 0" in large.shown(address)
    assert pending(large) == 0
    with large.runtime.database.shop(large.shop_id) as session:
        session.scalars(select(ShopFigures)).one().counted_at = clock.now() - timedelta(minutes=11)
    assert "Views 2 Closed 0" in large.shown(address)
    assert pending(large) == 1
    jobs.count(large.runtime, shop_id=large.shop_id)
    assert "Views 7 Closed 0" in large.shown(address)


def test_what_an_older_version_did_not_count_is_counted_at_once(large: Admin) -> None:
    jobs.count(large.runtime, shop_id=large.shop_id)
    with large.runtime.database.shop(large.shop_id) as session:
        row = session.scalars(select(ShopFigures)).one()
        row.figures = {name: found for name, found in row.figures.items() if name != "referrals"}
    assert "The figures are being counted." in large.shown("/referrals")
    jobs.count(large.runtime, shop_id=large.shop_id)
    assert "Links 0" in large.shown("/referrals")


def test_a_popup_that_was_made_since_has_nothing_yet(large: Admin) -> None:
    jobs.count(large.runtime, shop_id=large.shop_id)
    large.post("/popups", key="second", **FORM)
    assert "Exit 12.5% off Off 0 0 0 €0.00 0 Switch on" in large.shown("/popups")


def test_a_small_shop_is_counted_while_somebody_looks_and_nothing_is_kept(admin: Admin) -> None:
    admin.post("/popups", **FORM)
    see(admin, 3)
    assert "Views 3 Closed 0" in admin.shown(f"/popups/{popup_of(admin).id}")
    assert pending(admin) == 0
    with admin.runtime.database.shop(admin.shop_id) as session:
        assert session.scalar(select(func.count()).select_from(ShopFigures)) == 0
