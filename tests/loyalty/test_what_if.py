"""What-if: the live rules over the history give the live ledger, and no batch size changes an answer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.loyalty import service, what_if
from app.loyalty.lots import Source
from app.loyalty.models import Action, RuleVersion
from app.loyalty.programs import program_rules
from app.loyalty.rules import parse
from app.orders.models import Order, Refund
from app.runtime import Runtime
from app.shops.models import Shop

START = datetime(2025, 3, 1, 12, tzinfo=UTC)
RULES: dict[str, Any] = {
    "earning": [{"kind": "per_unit", "points": 3, "per": "2.50", "count": "exact"}],
    "multipliers": [{"factor": "1.5", "from": "2025-03-03T00:00:00Z"}],
    "caps": {"day": 40},
    "actions": {"review": {"points": 7, "per_year": 1}},
}
ACCOUNTS = 7


@pytest.fixture
def history(runtime: Runtime, shop: Shop) -> Shop:
    """Seven accounts, each with some orders, a refund and two reviews, settled."""
    with runtime.database.system() as session:
        session.execute(
            text("insert into accounts (shop_id, id, created_at) select :shop, i, :at from generate_series(1, :n) i"),
            {"shop": shop.id, "at": START, "n": ACCOUNTS},
        )
        session.add(
            RuleVersion(shop_id=shop.id, program_id=1, version=2, in_force_from=START, rules=RULES, created_at=START)
        )
        for number in range(1, 31):
            account, at = number % ACCOUNTS + 1, START + timedelta(hours=5 * number - 20)
            session.add(
                Order(shop_id=shop.id, id=number, account_id=account, currency="USD", paid=True, processed_at=at,
                      current_subtotal_minor=number * 313, updated_at=at, triggered_at=at)
            )  # fmt: skip
            if number % 4 == 0:
                session.add(Refund(shop_id=shop.id, id=number, order_id=number, lines_minor=200, loose_minor=5))
                session.add(
                    Action(shop_id=shop.id, kind="review", key=str(number), account_id=account, business_at=at,
                           recorded_at=at)
                )  # fmt: skip
        session.flush()
        assert service.settle(session, [(shop.id, account) for account in range(1, ACCOUNTS + 1)]) > 30
    return shop


def test_the_live_rules_over_the_history_give_the_live_ledger(runtime: Runtime, history: Shop) -> None:
    with runtime.database.shop(history.id) as session:
        live = program_rules(session, [history.id])[history.id]
        assert list(what_if.unlike_the_ledger(session, live)) == []
        found = what_if.compare(session, live, live)
        assert found.live == found.draft
        assert found.live.points == session.scalar(text("select sum(points) from ledger_entries"))
        assert (found.gained.accounts, found.lost.accounts, found.orders) == (0, 0, 30)


def test_a_source_that_the_ledger_holds_otherwise_is_found(runtime: Runtime, history: Shop) -> None:
    with runtime.database.system() as session:
        session.execute(text("update ledger_entries set points = points + 1 where source_kind = 'order' "
                             "and source_id = '9'"))  # fmt: skip
    with runtime.database.shop(history.id) as session:
        live = program_rules(session, [history.id])[history.id]
        (unlike,) = what_if.unlike_the_ledger(session, live)
    assert (unlike.account_id, unlike.source) == (9 % ACCOUNTS + 1, Source("order", "9"))
    assert unlike.held == unlike.worth + 1


def test_batches_of_any_size_give_the_same_answer(
    runtime: Runtime, history: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []
    for size in (1, 3, 1000):
        monkeypatch.setattr(what_if, "BATCH", size)
        with runtime.database.shop(history.id) as session:
            live = program_rules(session, [history.id])[history.id]
            draft = replace(live, versions=(parse({"earning": [{"kind": "per_order", "points": 9}]}),))
            found = what_if.compare(session, live, draft, since=START, until=START + timedelta(days=3))
            answers.append((found, found.top(found.gainers), found.top(found.losers)))
    assert answers[0][1:] == answers[1][1:] == answers[2][1:]
    assert answers[0][0].spread == answers[2][0].spread
    assert answers[0][0].draft == answers[2][0].draft
    assert answers[0][0].draft.points > 0
    assert answers[0][0].live.points > 0
