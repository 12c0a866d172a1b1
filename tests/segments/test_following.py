"""Segments follow events and the calendar; step by step they end where a rebuild ends."""

from collections import Counter
from datetime import datetime, time, timedelta
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.customers.accounts import owners_of_emails
from app.intake.models import IntakeRun
from app.runtime import Runtime
from app.segments import queries
from app.segments.checking import read
from app.segments.evaluating import holds
from app.segments.follow import calendar_of
from app.shops.models import Shop
from tests.factories import make_shop
from tests.segments.town import DAY_ONE, ZONE, Town
from tests.soak_page import write_section

ADA, BEA = 7, 8


@pytest.mark.requirement(10)
@pytest.mark.requirement(11, partly=True)
def test_a_new_customer_enters_with_the_next_step_and_leaves_after_thirty_days(town: Town) -> None:
    town.customer(ADA)
    assert town.members("new_customers") == []
    town.follow()
    assert town.members("new_customers") == [ADA]
    town.wait(30)
    town.follow()
    assert town.members("new_customers") == [ADA]
    town.wait(1)
    town.follow()
    assert town.members("new_customers") == []
    account = town.account(ADA)
    assert town.moves() == [(1, "new_customers", account, True), (2, "new_customers", account, False)]


@pytest.mark.requirement(18, partly=True)
def test_who_left_the_new_customers_by_ordering_twice_does_not_come_back(town: Town) -> None:
    town.customer(ADA)
    first = town.order(ADA)
    town.follow()
    town.order(ADA)
    town.follow()
    assert town.members("new_customers") == []
    town.order(ADA)
    town.cancelled(first)
    town.follow()
    of_new = [(number, entered) for number, segment, _, entered in town.moves() if segment == "new_customers"]
    assert [entered for _, entered in of_new] == [True, False]


@pytest.mark.requirement(106, partly=True)
def test_at_risk_is_who_is_away_for_longer_than_twice_their_own_usual_interval(town: Town) -> None:
    for days_ago in (40, 30, 20, 5):
        # Ada comes every ten days, with one longer pause; Bea every two.
        town.order(ADA, days_ago=days_ago)
    for days_ago in (9, 7, 5):
        town.order(BEA, days_ago=days_ago)
    town.follow()
    assert town.members("at_risk") == [BEA]
    with town.runtime.database.system() as session:
        ada = queries.profile_of(session, town.shop.id, town.account(ADA))
    assert ada is not None
    assert ada["interval_days"] == 10
    assert ada["at_risk_at"] == datetime.combine(DAY_ONE - timedelta(days=5) + timedelta(days=21), time(), ZONE)
    town.wait(15)
    town.follow()
    assert town.members("at_risk") == [BEA]
    town.wait(1)
    town.follow()
    assert town.members("at_risk") == [ADA, BEA]
    town.order(BEA)
    town.follow()
    assert town.members("at_risk") == [ADA]
    assert [segment for _, segment, _, entered in town.moves() if not entered] == ["at_risk"]


def test_one_gap_is_not_usual_and_orders_of_one_day_make_none(town: Town) -> None:
    town.order(ADA, days_ago=100)
    town.order(ADA, days_ago=90)
    town.order(ADA, days_ago=90)
    town.follow()
    assert town.members("at_risk") == []


def test_each_segment_of_the_start_finds_its_own(town: Town) -> None:
    town.customer(ADA, days_ago=900)
    town.consents(ADA, "subscribed")
    town.order(ADA, days_ago=800, cents=60_000)
    town.customer(BEA, days_ago=300)
    for days_ago in (250, 150, 50):
        town.order(BEA, days_ago=days_ago, cents=100)
    town.follow()
    found = {key: town.members(key) for key in ("vip", "lapsed", "regulars", "members", "subscribers", "new_customers")}
    assert found == {
        "vip": [ADA], "lapsed": [ADA], "regulars": [BEA], "members": [ADA, BEA], "subscribers": [ADA],
        "new_customers": [],
    }  # fmt: skip


def test_consent_points_and_addresses_are_followed(town: Town) -> None:
    rich = town.segment("loyalty_points >= 100", "Rich")
    abroad = town.segment("customer_countries CONTAINS 'FI' AND customer_email_domain = 'example.fi'", "Abroad")
    town.customer(ADA)
    town.follow()
    town.points(ADA, 100)
    town.customer(ADA, country="fi", email="ada@Example.fi")
    town.consents(ADA, "subscribed")
    town.follow()
    assert (town.members(rich), town.members(abroad), town.members("subscribers")) == ([ADA], [ADA], [ADA])
    town.points(ADA, -1)
    town.customer(ADA, country="SE", email="ada@example.fi")
    town.consents(ADA, "unsubscribed")
    town.follow()
    assert (town.members(rich), town.members(abroad), town.members("subscribers")) == ([], [], [])


def test_tags_regions_and_cities_are_followed(town: Town) -> None:
    vips = town.segment("customer_tags CONTAINS 'VIP' AND customer_tags NOT CONTAINS 'staff'", "Tagged")
    bare = town.segment("customer_tags IS NULL", "Bare")
    near = town.segment("customer_cities CONTAINS 'US-NY-NewYorkCity' OR customer_regions CONTAINS 'US-TX'", "Near")
    town.customer(ADA, place={"country_code": "US", "province_code": "NY", "city": "New York City"})
    town.customer(BEA, place={"country_code": "US", "province_code": "TX", "city": None})
    town.tagged(ADA, "vip", "Tea")
    town.follow()
    assert (town.members(vips), town.members(bare), town.members(near)) == ([ADA], [BEA], [ADA, BEA])
    town.tagged(ADA, "Staff")
    town.tagged(BEA, " Vip ")
    town.follow()
    assert (town.members(vips), town.members(bare)) == ([BEA], [])
    town.tagged(BEA, "vip", held=False)
    town.follow()
    assert (town.members(vips), town.members(bare)) == ([], [BEA])


def test_who_is_deleted_or_merged_away_leaves_and_whoever_is_parted_returns(town: Town) -> None:
    town.customer(ADA)
    town.customer(BEA)
    town.follow()
    town.merged(ADA, BEA)
    town.follow()
    assert town.members("new_customers") == [ADA]
    town.parted()
    town.follow()
    assert town.members("new_customers") == [ADA]
    town.gone(ADA)
    town.follow()
    assert town.members("new_customers") == []


def test_a_guest_is_somebody(town: Town) -> None:
    town.order(None, email="guest@example.com")
    town.follow()
    assert town.members("new_customers") == [0]
    with town.runtime.database.system() as session:
        key = (town.shop.id, "guest@example.com")
        account = owners_of_emails(session, {key})[key]
        profile = queries.profile_of(session, town.shop.id, account)
    assert profile is not None
    assert (profile["email_domain"], profile["orders"]) == ("example.com", 1)


def test_who_fits_a_new_definition_is_in_it_and_has_not_entered(town: Town) -> None:
    town.customer(ADA)
    town.follow()
    told = len(town.moves())
    mine = town.segment("number_of_orders = 0")
    town.follow()
    assert town.members(mine) == [ADA]
    assert len(town.moves()) == told
    town.order(ADA)
    town.follow()
    assert ("Mine", False) in [(segment, entered) for _, segment, _, entered in town.moves()]


def test_history_that_is_imported_is_nobodys_doing(town: Town) -> None:
    now = clock.now()
    with town.runtime.database.system() as session:
        run = IntakeRun(
            shop_id=town.shop.id, kind="import", state="running", stage="take", position=0, planned_at=now
        )  # fmt: skip
        session.add(run)
    town.customer(ADA)
    town.follow()
    assert town.members("new_customers") == [ADA]
    town.order(ADA, cents=60_000)
    with town.runtime.database.system() as session:
        session.get_one(IntakeRun, (town.shop.id, run.id)).finished_at = now
    town.follow()
    assert (town.members("vip"), town.moves()) == ([ADA], [])
    town.customer(BEA)
    town.follow()
    assert [(segment, entered) for _, segment, _, entered in town.moves()] == [("new_customers", True)]


def test_a_step_repeated_changes_nothing_and_only_whom_days_cross_is_looked_at(town: Town) -> None:
    town.customer(ADA)
    town.follow()
    before = (town.picture(), town.moves())
    town.follow()
    town.wait(5)
    town.follow()
    assert (town.picture(), town.moves()) == before


def test_a_shop_that_moves_to_another_zone_counts_its_own_days(town: Town) -> None:
    yesterday = town.segment("last_order_date = 2026-02-28")
    town.order(ADA, days_ago=0)
    town.follow()
    assert town.members(yesterday) == []
    with town.runtime.database.system() as session:
        session.get_one(Shop, town.shop.id).timezone = "Pacific/Pago_Pago"
        session.execute(text("update orders set processed_at = '2026-03-01 10:00Z'"))
        session.execute(text("update account_totals set last_order_at = '2026-03-01 10:00Z'"))
    town.follow()
    assert town.members(yesterday) == [ADA]


def test_counts_of_days_tell_who_came_and_went(town: Town) -> None:
    town.customer(ADA)
    town.follow()
    town.wait(2)
    town.customer(BEA)
    town.gone(ADA)
    town.follow()
    with town.runtime.database.shop(town.shop.id) as session:
        days = queries.history(session, town.shop.id, 1, days=4)
    assert [(day.members, day.entered, day.left) for day in days] == [(None, 0, 0), (1, 1, 0), (1, 0, 0), (1, 1, 1)]
    assert [day.day - DAY_ONE for day in days] == [timedelta(days=n) for n in (-1, 0, 1, 2)]


class Life:
    """What may happen to five customers and some guests."""

    def __init__(self, town: Town, rng: Random) -> None:
        self.town, self.rng = town, rng
        self.orders: list[int] = []

    def live(self, deeds: int) -> None:
        """So many things happen, days go by, and some of it is followed at once."""
        usual = [self.order, self.order, self.order, self.customer, self.cancel, self.consent, self.points, self.day]
        for _ in range(deeds):
            self.rng.choice([*usual, self.merge, self.gone])(self.rng.randint(1, 5))
            if self.rng.random() < 0.3:
                self.town.follow()

    def customer(self, who: int) -> None:
        self.town.customer(who, days_ago=self.rng.randint(0, 40), country=self.rng.choice(["FI", "SE", None]))

    def order(self, who: int) -> None:
        guest = self.rng.random() < 0.2
        mail = {"email": f"guest{who}@example.com"} if guest else {}
        cents = self.rng.choice([100, 60_000])
        made = self.town.order(None if guest else who, days_ago=self.rng.randint(0, 400), cents=cents, **mail)
        self.orders.append(made)

    def cancel(self, who: int) -> None:
        if self.orders:
            self.town.cancelled(self.rng.choice(self.orders))

    def consent(self, who: int) -> None:
        self.town.consents(who, self.rng.choice(["subscribed", "unsubscribed"]))

    def points(self, who: int) -> None:
        self.town.points(who, self.rng.choice([50, -20]))

    def merge(self, who: int) -> None:
        if who > 1:
            self.town.merged(who - 1, who)

    def gone(self, who: int) -> None:
        if self.rng.random() < 0.5:
            self.town.gone(who)

    def day(self, who: int) -> None:
        self.town.wait(self.rng.choice([1, 1, 20, 90]))


def agree(town: Town) -> None:
    """Members are those who fit, counts are right, transitions lead from nobody to them, a rebuild changes nothing."""
    town.follow()
    before, moves = town.picture(), town.moves()
    assert [number for number, *_ in moves] == list(range(1, len(moves) + 1))
    town.rebuild()
    assert town.picture() == before
    assert town.moves() == moves
    counted = Counter(segment for segment, _ in before["members"])
    assert {segment: counted[segment] for segment in before["counts"]} == before["counts"]
    with town.runtime.database.shop(town.shop.id) as session:
        shop = session.get_one(Shop, town.shop.id)
        told = [(segment_id, account) for segment_id, account in _replayed(session)]
        assert told == before["members"]
        fits = []
        profiles = {p["account_id"]: queries.profile_of(session, shop.id, p["account_id"]) for p in before["profiles"]}
        for row in session.execute(text("select id, query from segments order by id")):
            for account, profile in profiles.items():
                assert profile is not None
                if holds(read(row.query), profile, calendar_of(shop, clock.now())):
                    fits.append((row.id, account))
        assert fits == before["members"]


def _replayed(session: Session) -> list[tuple[int, int]]:
    within: set[tuple[int, int]] = set()
    found = text("select segment_id, account_id, entered from segment_transitions order by number")
    for row in session.execute(found):
        key = (row.segment_id, row.account_id)
        assert (key in within) != row.entered, "nobody enters twice, nobody leaves who is not there"
        (within.add if row.entered else within.discard)(key)
    return sorted(within)


@pytest.mark.requirement(10, partly=True)
@pytest.mark.parametrize("seed", range(3))
def test_step_by_step_ends_where_a_rebuild_ends(town: Town, seed: int) -> None:
    Life(town, Random(seed)).live(30)
    agree(town)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_step_by_step_ends_where_a_rebuild_ends_in_many_towns(runtime: Runtime) -> None:
    for seed in range(200):
        town = Town(runtime, make_shop(runtime, f"town-{seed}.myshopify.com"))
        town.begin()
        Life(town, Random(seed)).live(120)
        agree(town)
    write_section(
        "Segments: step by step and from nothing",
        "200 towns with 120 things happening to five customers and some guests in each: members were those who fit, "
        "transitions led from nobody to them without gaps, and a rebuild changed nothing.",
    )
