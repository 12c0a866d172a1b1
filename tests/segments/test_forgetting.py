"""Who is forgotten leaves; what is held can be handed out; a shop's own segments travel with it."""

import pytest
from sqlalchemy import select, text

from app.runtime import Runtime
from app.segments.models import Segment
from app.shops import privacy
from app.shops.models import Shop
from app.shops.personal_data import export_customer
from app.transfer import export, take_in
from tests.factories import make_shop
from tests.segments.town import Town

ADA, BEA = 7, 8


def redact(town: Town, customer: int, email: str) -> None:
    """Shopify asks to forget a customer."""
    body = {"customer": {"id": customer, "email": email}, "orders_to_redact": []}
    with town.runtime.database.system() as session:
        privacy.redact_customer(session, town.shop.id, body, f"w-{customer}")


def test_who_is_forgotten_leaves_every_segment_and_no_query_finds_them(town: Town) -> None:
    for customer in (ADA, BEA):
        town.customer(customer, email=f"{customer}@mail.example")
        town.consents(customer, "subscribed")
    town.follow()
    redact(town, ADA, "7@mail.example")
    assert len(town.picture()["profiles"]) == 1, "at once"
    town.follow()
    assert (town.members("new_customers"), town.members("subscribers")) == ([BEA], [BEA])
    assert [segment for _, segment, _, entered in town.moves() if not entered] == ["new_customers", "subscribers"]


def test_a_forgotten_guest_leaves(town: Town) -> None:
    town.order(None, email="guest@mail.example")
    town.follow()
    with town.runtime.database.system() as session:
        body = {"customer": {"id": None, "email": "guest@mail.example"}, "orders_to_redact": []}
        privacy.redact_customer(session, town.shop.id, body, "w-guest")
    town.follow()
    assert (town.members("new_customers"), town.picture()["profiles"]) == ([], [])


def test_what_is_held_is_handed_out(town: Town) -> None:
    town.customer(ADA, email="ada@mail.example")
    town.follow()
    with town.runtime.database.system() as session:
        held = export_customer(session, town.shop.id, ADA)
    assert [one["name"] for one in held["segments"]] == ["New customers"]
    assert held["segment_profile"][0]["email_domain"] == "mail.example"
    assert [one["entered"] for one in held["segment_transitions"]] == [True]


def test_segments_travel_with_the_shop_and_are_counted_anew(town: Town, runtime: Runtime) -> None:
    mine = town.segment("customer_countries CONTAINS 'FI'", "Finns")
    town.customer(ADA, country="FI")
    town.follow()
    assert town.members(mine) == [ADA]
    with runtime.database.system() as session:
        file = list(export.lines(session, town.shop.id))
    other = Town(runtime, make_shop(runtime, "other.myshopify.com"))
    other.begin()
    with runtime.database.system() as session:
        take_in.take_in(session, session.get_one(Shop, other.shop.id), file)
    other.begin()
    with runtime.database.system() as session:
        found = select(Segment.id, Segment.name, Segment.members).where(Segment.shop_id == other.shop.id)
        segments = session.execute(found.order_by(Segment.id)).all()
        orphans = text("select count(*) from segment_members where segment_id not in (select id from segments)")
        assert session.scalar(orphans) == 0
    assert [(row.name, row.members) for row in segments][-1] == ("Finns", 1)
    assert len(segments) == 8
    assert other.members(segments[-1].id) == [ADA]
    assert other.moves() == [], "nobody entered by moving house"


@pytest.mark.parametrize("forged", ["nonsense ???", "storefront_event.product_viewed(count: 2) = true"])
def test_a_query_of_a_later_version_is_left_alone(town: Town, forged: str) -> None:
    mine = town.segment("number_of_orders = 0")
    town.customer(ADA)
    town.follow()
    with town.runtime.database.system() as session:
        session.execute(text("update segments set query = :q where id = :id"), {"q": forged, "id": mine})
    town.customer(BEA)
    town.follow()
    assert (town.members(mine), town.members("new_customers")) == ([ADA], [ADA, BEA])
    with town.runtime.database.system() as session:
        held = export_customer(session, town.shop.id, ADA)
    assert [one["name"] for one in held["segments"]] == ["New customers", "Mine"]
