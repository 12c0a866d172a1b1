"""A small generated year of invoices: replayed, lived again under three programs, and compared with the file alone."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.demo import reliving, replaying
from app.loyalty.facts import AccountFacts, LineFacts, OrderFacts
from app.loyalty.fold import fold, worth
from app.loyalty.programs import ProgramRules
from app.loyalty.rules import parse
from dev_store.history import direct, direct_programs
from dev_store.history.direct import Purchase
from dev_store.history.direct_programs import LONDON, Held
from dev_store.history.replay.invoices import product_of

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
BEGIN = datetime(2011, 1, 3, 9, tzinfo=UTC)


def invoices(seed: int, *, days: int, customers: int, orders: int) -> str:
    """Purchases of three customers or more and cancellations of earlier ones, as lines of a file."""
    rng = random.Random(seed)
    rows, bought = [HEAD], list[tuple[int, str, int, str]]()
    moments = sorted(BEGIN + timedelta(minutes=rng.randrange(days * 24 * 60)) for _ in range(orders))
    for number, at in enumerate(moments, start=1):
        if bought and rng.random() < 0.25:
            customer, code, quantity, price = rng.choice(bought)
            rows.append(
                f"C{number},{code},Thing,-{rng.randint(1, quantity)},{at:%Y-%m-%d %H:%M:%S},{price},{customer},UK"
            )
            continue
        customer = rng.randint(1, customers)
        for code in rng.sample(["A", "B", "C", "D", "E", "F", "POST"], rng.randint(1, 4)):
            line = (customer, code, rng.randint(1, 30), rng.choice(["0.85", "4.25", "12.75", "27.10"]))
            rows.append(f"{number},{code},Thing,{line[2]},{at:%Y-%m-%d %H:%M:%S},{line[3]},{customer},UK")
            bought.append(line)
    return "\n".join(rows) + "\n"


@pytest.mark.timeout(300)
def test_a_small_year_agrees_under_a_program_whose_points_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "invoices.csv"
    file.write_text(invoices(5, days=115, customers=3, orders=50), encoding="utf-8")
    assert replaying.real_year(file, "passing") == 0
    said = capsys.readouterr().out
    assert said.count("; agrees to the point") == 1
    assert "Every account agrees to the point." in said
    assert "expiry" in said


@pytest.mark.parametrize("seed", range(20))
def test_the_fold_and_the_computation_from_the_file_agree_at_every_instant(tmp_path: Path, seed: int) -> None:
    file = tmp_path / "invoices.csv"
    file.write_text(invoices(seed, days=200, customers=3, orders=90), encoding="utf-8")
    bought = direct.purchases(file)
    for program in reliving.programs(bought, BEGIN.date())[:2]:
        rules = ProgramRules(shop_id=1, program_id=1, versions=(parse(program.rules),), zone=LONDON)
        for day in (1, 60, 125, 150, 200):
            at = BEGIN.replace(tzinfo=None) + timedelta(days=day)
            wanted = {customer: held.points for customer, held in program.expected(at).items()}
            assert wanted == {customer: folded(rules, bought, customer, at) for customer in wanted}


def folded(rules: ProgramRules, bought: list[Purchase], customer: int, at: datetime) -> int:
    orders = (facts(order, at) for order in bought if order.customer == customer and order.at <= at)
    return worth(fold(rules, AccountFacts(orders=tuple(orders))))


def facts(order: Purchase, at: datetime) -> OrderFacts:
    """The order as its projection stands at an instant."""
    left = Counter[str]()
    for code, pence in order.goods:
        left[code] += pence
    for moment, code, pence in order.back:
        left[code] -= pence if moment <= at else 0
    return OrderFacts(
        id=int(order.number),
        business_at=order.at.replace(tzinfo=UTC),
        changed_at=at.replace(tzinfo=UTC),
        currency="GBP",
        base_minor=left.total(),
        lines=tuple(
            LineFacts(
                amount_minor=pence,
                tax_minor=0,
                quantity=1,
                gift_card=False,
                labels=frozenset({f"product:{product_of(code)}"}),
            )
            for code, pence in left.items()
        ),
    )


utc = datetime.fromisoformat  # without a zone, as the file has it
ONE = Purchase("1", 7, utc("2011-06-01 23:30"), [("A", 10_050), ("B", 2_000)], [(utc("2011-07-01 00:00"), "A", 5_050)])
TWO = Purchase("2", 7, utc("2011-06-02 08:00"), [("A", 30_000)], [])


def test_limits_count_by_days_of_london_over_what_is_left() -> None:
    def held(at: datetime) -> dict[int, Held]:
        return direct_programs.limited([TWO, ONE], at, without=frozenset({"B"}), an_order=250, a_day=300)

    # Half past eleven at night in UTC was the next day in London, so both are of one day.
    assert held(utc("2011-06-02 00:00")) == {7: Held(100)}
    assert held(utc("2011-06-03 00:00")) == {7: Held(300)}
    assert held(utc("2011-07-02 00:00")) == {7: Held(300)}


def test_orders_are_numbered_whatever_came_back_and_half_a_point_counts() -> None:
    window = (utc("2011-06-02 00:00"), utc("2011-06-03 00:00"))
    found = direct_programs.numbered(
        [ONE, TWO], utc("2011-06-03 00:00"), bonus=5, orders=frozenset({2}), every=7, window=window
    )
    assert found == {7: Held(120 + 458)}


def test_waiting_and_living_end_with_their_days() -> None:
    def held(at: datetime) -> Held:
        return direct_programs.passing([ONE], at, waiting=14, living=90)[7]

    # Of 2 June in London: free from the 17th, over with 15 September.
    assert held(utc("2011-06-16 22:59")) == Held(120, 120)
    assert held(utc("2011-06-16 23:00")) == Held(120)
    assert held(utc("2011-09-15 22:59")) == Held(70)
    assert held(utc("2011-09-15 23:00")) == Held(0)


def test_purchases_know_what_came_back_of_them(tmp_path: Path) -> None:
    file = tmp_path / "invoices.csv"
    file.write_text(
        f"{HEAD}\n1,A,x,3,2011-01-01 08:00:00,2.00,7,UK\n1,POST,x,1,2011-01-01 08:00:00,9.00,7,UK\n"
        "C2,A,x,-1,2011-01-02 08:00:00,2.00,7,UK\n"
    )
    assert direct.purchases(file) == [
        Purchase("1", 7, utc("2011-01-01 08:00"), [("A", 600)], [(utc("2011-01-02 08:00"), "A", 200)])
    ]
