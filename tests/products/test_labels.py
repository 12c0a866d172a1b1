"""Rules that name tags and collections, from the product's page to the points, whatever becomes known when."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app import clock
from app.products.reading import sweep
from dev_store.faults import Fault, Kind
from tests.products.conftest import Market, line

PER_UNIT = {"kind": "per_unit", "points": 1}


def only(**goods: list[object]) -> dict[str, object]:
    """One point a unit for these goods and no others."""
    return {"earning": [PER_UNIT | {"only": goods}]}


def test_a_product_rule_asks_nobody(market: Market) -> None:
    fern, mug, ann = market.product("Fern"), market.product("Mug"), market.customer()
    market.use_rules(**only(products=[fern]))
    market.order(ann, line("12.00", product=fern), line("30.00", product=mug))
    market.deliver()
    assert market.points(ann) == 12
    with market.runtime.database.system() as session:
        assert (
            session.scalar(text("select count(*) from products where wanted_at is not null or read_at is not null"))
            == 0
        )


def test_tags_and_collections_of_a_product_are_read_when_it_is_first_ordered(market: Market) -> None:
    fern, mug, ann = market.product("Fern", tags=("Green",)), market.product("Mug"), market.customer()
    kitchen = market.commerce.create_collection(at=clock.now(), title="Kitchen", products=[mug])
    market.store.state.change("delete from deliveries where topic like 'products/%'", [()])
    market.use_rules(earning=[PER_UNIT | {"only": {"tags": ["GREEN"]}},
                              {"kind": "per_item", "points": 7, "only": {"collections": [kitchen]}}])  # fmt: skip
    market.order(ann, line("12.00", product=fern), line("30.00", 2, product=mug), line("99.00"))
    market.deliver()
    assert market.points(ann) == 12 + 2 * 7


@pytest.mark.requirement(14, partly=True)
def test_excluded_goods_earn_nothing(market: Market) -> None:
    sale, mug, ann = market.product("Sale", tags=("Outlet",)), market.product("Mug"), market.customer()
    market.use_rules(earning=[PER_UNIT], exclude={"tags": ["outlet"]})
    market.order(ann, line("12.00", product=sale), line("30.00", product=mug))
    market.deliver()
    assert market.points(ann) == 30


def test_a_tag_counts_from_when_it_was_given_and_takes_nothing_back(market: Market) -> None:
    fern, ann = market.product("Fern", tags=("green",)), market.customer()
    market.use_rules(**only(tags=["green"]))
    now = clock.now()
    market.order(ann, line("10.00", product=fern), at=now - timedelta(hours=5))
    market.deliver()
    market.commerce.update_product(fern, at=now - timedelta(hours=3), tags=[])
    market.order(ann, line("100.00", product=fern), at=now - timedelta(hours=2))
    market.deliver()
    assert market.points(ann) == 10
    market.commerce.update_product(fern, at=now - timedelta(hours=1), tags=["green", "new"])
    market.order(ann, line("1.00", product=fern), at=now)
    market.deliver()
    assert market.points(ann) == 11


def test_a_product_that_is_deleted_leaves_earlier_orders_as_they_were(market: Market) -> None:
    fern, ann = market.product("Fern", tags=("green",)), market.customer()
    market.use_rules(**only(tags=["green"]))
    market.order(ann, line("10.00", product=fern))
    market.deliver()
    market.commerce.delete_product(fern, at=clock.now())
    market.deliver()
    assert market.points(ann) == 10


def test_a_product_that_is_gone_before_it_was_read_has_no_labels_and_is_asked_for_once(market: Market) -> None:
    fern, ann = market.product("Fern", tags=("green",)), market.customer()
    market.use_rules(earning=[PER_UNIT], exclude={"tags": ["green"]})
    market.commerce.delete_product(fern, at=clock.now())
    market.store.state.change("delete from deliveries where topic like 'products/%'", [()])
    market.order(ann, line("10.00", product=fern))
    market.order(ann, line("10.00", product=fern))
    market.deliver()
    assert market.points(ann) == 20
    with market.runtime.database.system() as session:
        assert session.execute(text("select wanted_at, read_at is not null from products")).all() == [(None, True)]


def test_who_enters_and_leaves_a_collection_is_found_by_comparing_it(market: Market) -> None:
    fern, mug, ann = market.product("Fern"), market.product("Mug"), market.customer()
    kitchen = market.commerce.create_collection(at=clock.now(), title="Kitchen", products=[mug])
    market.use_rules(**only(collections=[str(kitchen)]))
    market.order(ann, line("10.00", product=mug), line("200.00", product=fern))
    market.deliver()
    assert market.points(ann) == 10
    market.hour_later()
    market.commerce.update_collection(kitchen, at=clock.now(), add=[fern], remove=[mug])
    market.deliver()
    assert market.points(ann) == 10, "orders of before stay as they were"
    market.hour_later()
    market.order(ann, line("10.00", product=mug), line("200.00", product=fern), at=clock.now())
    market.deliver()
    assert market.points(ann) == 210
    market.hour_later()
    market.commerce.delete_collection(kitchen, at=clock.now())
    market.deliver()
    market.hour_later()
    market.order(ann, line("1000.00", product=fern), at=clock.now())
    market.deliver()
    assert market.points(ann) == 210


def test_news_of_products_asks_shopify_only_where_a_rule_names_collections(market: Market) -> None:
    fern, ann = market.product("Fern", tags=("green",)), market.customer()
    market.use_rules(**only(tags=["green"]))
    market.order(ann, line("10.00", product=fern))
    market.deliver()
    market.commerce.update_product(fern, at=clock.now(), title="Boston fern")
    other = market.commerce.create_collection(at=clock.now(), title="Other")
    market.commerce.update_collection(other, at=clock.now(), add=[fern])
    market.store.faults.replace([Fault("*", Kind.SERVER_ERROR)])
    market.deliver()
    assert market.points(ann) == 10
    assert len(market.store.faults.waiting()) == 1, "nobody asked"


@pytest.mark.parametrize("late", [False, True])
def test_tags_converge_however_their_webhooks_come(market: Market, late: bool) -> None:
    fern, ann, now = market.product("Fern", tags=("a",)), market.customer(), clock.now()
    market.use_rules(**only(tags=["b"]))
    for hours, tags in ((9, ["b"]), (8, ["b", "c"]), (7, ["c"]), (6, ["b"])):
        market.order(ann, line(f"{10 ** (9 - hours)}.00", product=fern), at=now - timedelta(hours=hours, minutes=-30))
        market.commerce.update_product(fern, at=now - timedelta(hours=hours), tags=tags)
    waiting = market.waiting()
    market.store.state.change("delete from deliveries", [()])
    market.take(waiting[::-1] + waiting[:3] if late else waiting)
    assert market.points(ann) == 1 + 10 + 1000
    with market.runtime.database.system() as session:
        held = session.execute(text("select label, count(*) from product_labels group by 1 order by 1")).all()
    assert [tuple(row) for row in held] == [("tag:a", 1), ("tag:b", 2), ("tag:c", 1)]


def test_a_product_in_more_collections_than_a_page_holds_is_read_whole(market: Market) -> None:
    fern, ann = market.product("Fern"), market.customer()
    made = [market.commerce.create_collection(at=clock.now(), title=f"C{n}", products=[fern]) for n in range(120)]
    market.use_rules(**only(collections=[made[-1]]))
    market.order(ann, line("10.00", product=fern))
    market.deliver()
    assert market.points(ann) == 10


def test_a_wish_whose_job_was_lost_is_found_by_the_sweep(market: Market) -> None:
    fern, ann = market.product("Fern", tags=("green",)), market.customer()
    market.use_rules(**only(tags=["green"]))
    market.store.state.change("delete from deliveries", [()])
    market.order(ann, line("10.00", product=fern))
    wish = text("insert into products (shop_id, id, wanted_at) values (:shop, :product, now() - interval '1 hour')")
    with market.runtime.database.system() as session:
        session.execute(wish, {"shop": market.shop.id, "product": fern})
    market.deliver()
    assert market.points(ann) == 0
    sweep(market.runtime)
    market.deliver()
    assert market.points(ann) == 10
