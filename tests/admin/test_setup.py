"""The set-up: proposals that can be used, nothing posted before the launch, what the past would have cost."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock
from app.admin.setup import proposals
from app.loyalty import service
from app.loyalty.models import LedgerEntry, Program, Reward
from app.loyalty.programs import default_program
from app.loyalty.rules import parse
from app.orders.models import Order
from app.runtime import Runtime
from app.shops.models import Shop
from tests.admin.opened import Staff, words
from tests.admin.world import member

GOAL = {"goal": "repeat", "business": "often", "size": "small"}
NUMBERS = {"points": "2", "reward_points": "200", "reward_value": "10.00", "waiting_days": "0", "expiry_months": "0"}
LOOK = {"name": "Club", "colour": "#aa0000", "languages": "de"}


def bought(session: Session, shop_id: int, number: int, at: datetime, minor: int = 5_000) -> None:
    """A new customer's paid order, settled."""
    account = member(session, shop_id, number)
    session.add(
        Order(
            shop_id=shop_id, id=number, account_id=account, currency="EUR", subtotal_minor=minor, total_minor=minor,
            current_subtotal_minor=minor, current_total_minor=minor, financial_status="paid", paid=True,
            created_at=at, processed_at=at, updated_at=at,
        )
    )  # fmt: skip
    session.flush()
    service.settle(session, [(shop_id, account)])


def posted(session: Session) -> list[int]:
    return list(session.scalars(select(LedgerEntry.points).where(LedgerEntry.source_kind == "order")))


def through(clerk: Staff) -> None:
    """All steps but the launch."""
    steps = {
        "/setup": GOAL,
        "/setup/program": {"template": "purchases"},
        "/setup/numbers": NUMBERS,
        "/setup/look": LOOK,
    }
    assert [clerk.send(path, form).status_code for path, form in steps.items()] == [204] * 4


@pytest.mark.parametrize("template", proposals.TEMPLATES)
@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_every_proposal_is_a_program_that_can_be_used(template: str, currency: str) -> None:
    for business in proposals.BUSINESSES:
        for size in proposals.SIZES:
            numbers = proposals.numbers(template, business, size, currency)
            rules = parse(proposals.rules(template, numbers, currency))
            assert rules.earning
            assert numbers.reward_minor > 0


@pytest.mark.requirement(131)
def test_goal_business_and_size_lead_to_a_program_and_the_goal_is_reported(clerk: Staff) -> None:
    clerk.send("/setup", {"goal": "basket", "business": "season", "size": "large"})
    assert "Points, and a bonus for large orders (suits your goal)" in words(clerk.look("/setup/program"))
    assert 'value="14"' in clerk.look("/setup/numbers").text
    home = words(clerk.look("/"))
    assert "Your goal Orders become larger Average order" in home


@pytest.mark.requirement(149, partly=True)
def test_a_star_for_every_purchase_is_a_program(clerk: Staff, runtime: Runtime, connected: Shop) -> None:
    clerk.send("/setup", GOAL)
    clerk.send("/setup/program", {"template": "stars"})
    clerk.send("/setup/launch")
    with runtime.database.shop(connected.id) as session:
        bought(session, connected.id, 1, clock.now() + timedelta(seconds=1))
        assert posted(session) == [1]


def test_nothing_is_posted_between_the_first_step_and_the_launch(
    clerk: Staff, runtime: Runtime, connected: Shop
) -> None:
    clerk.send("/setup", GOAL)
    with runtime.database.shop(connected.id) as session:
        bought(session, connected.id, 1, clock.now())
        assert posted(session) == []
    through(clerk)
    assert "Until now nobody has got anything." in words(clerk.look("/setup/preview"))
    assert clerk.send("/setup/launch").status_code == 204
    with runtime.database.shop(connected.id) as session:
        bought(session, connected.id, 2, clock.now() + timedelta(seconds=1))
        assert posted(session) == [100]
        assert default_program(session, connected.id).name == "Club"
        offered = session.execute(select(Reward.points, Reward.value_minor).where(Reward.active)).all()
        assert [tuple(row) for row in offered] == [(200, 1000)]
        assert session.scalar(text("select count(*) from audit_log where what = 'program.launched'")) == 1
    assert "Set up the program" not in words(clerk.look("/"))


def test_the_preview_says_what_the_last_months_would_have_cost_and_writes_no_points(
    clerk: Staff, runtime: Runtime, connected: Shop
) -> None:
    with runtime.database.shop(connected.id) as session:
        session.get_one(Program, (connected.id, 1)).earns_from = clock.now() + timedelta(days=1)
        session.flush()
        for number in (1, 2):
            bought(session, connected.id, number, clock.now() - timedelta(days=30))
    through(clerk)
    shown = words(clerk.look("/setup/preview"))
    # 2 orders of 50 EUR, 2 points for each: 200 points, of which 200 buy 10 EUR, of 100 EUR of sales.
    assert "Points given 200 Customers with points 2 Cost at most €10.00 10% of sales" in shown
    assert "2 points for each whole EUR of all goods." in shown
    with runtime.database.shop(connected.id) as session:
        assert posted(session) == []


def test_a_program_that_earns_already_goes_on_under_new_rules(clerk: Staff, runtime: Runtime, connected: Shop) -> None:
    with runtime.database.shop(connected.id) as session:
        bought(session, connected.id, 1, clock.now())
        assert posted(session) == [50]
    through(clerk)
    assert "Your program runs already." in words(clerk.look("/setup/preview"))
    clerk.send("/setup/launch")
    with runtime.database.shop(connected.id) as session:
        bought(session, connected.id, 2, clock.now() + timedelta(seconds=1))
        assert posted(session) == [50, 100]


def test_a_launch_without_answers_is_refused_in_words(clerk: Staff, runtime: Runtime, connected: Shop) -> None:
    answer = clerk.send("/setup/launch")
    assert answer.status_code == 422
    assert "Answer the earlier questions of the set-up first." in words(answer)


def test_numbers_that_cannot_be_are_said_beside_their_fields(clerk: Staff) -> None:
    clerk.send("/setup", GOAL)
    answer = clerk.send("/setup/numbers", {**NUMBERS, "points": "0", "reward_value": "free"})
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 2
    assert 'value="free"' in answer.text
