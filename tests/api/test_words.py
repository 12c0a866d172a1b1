"""Every reason that the program can write into the ledger has words for the shopper."""

import ast
import re
from pathlib import Path

import pytest

from app.api.words import REASONS, sentence

APP = Path(__file__).resolve().parents[2] / "app"
FOLDERS = ("loyalty", "transfer", "customers", "discounts", "orders")
SUBJECTS = "order|action|referral|import|spent|debt|expiry|account"
# Reasons say what happened: texts that end so are reasons wherever they stand.
HAPPENED = (
    "earned|corrected|refused|moved|merged|refunded|cancelled|deleted|reversed|forgiven|returned|undone|taken_back"
)


def reasons_in(path: Path) -> set[str]:
    """Texts given as `reason=`, constants called REASON, and whatever is worded like a reason."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.keyword) and node.arg == "reason" and not isinstance(node.value, ast.JoinedStr):
            found |= texts(node.value)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith("REASON"):
            found |= texts(node.value)
        if isinstance(node, ast.Constant) and re.fullmatch(rf"({SUBJECTS})_({HAPPENED})", str(node.value)):
            found.add(str(node.value))
    return found


def texts(node: ast.expr) -> set[str]:
    return {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}


@pytest.mark.requirement(134, partly=True)
def test_every_reason_in_the_program_has_its_own_words() -> None:
    # Points of orders, actions and referrals that follow their owner: f"{source.kind}_moved".
    found = {"order_moved", "action_moved", "referral_moved"}
    found = found.union(*(reasons_in(path) for folder in FOLDERS for path in (APP / folder).rglob("*.py")))
    assert {"order_earned", "order_refunded", "action_refused", "adjusted", "redeemed", "account_merged"} <= found
    assert {"expired", "expiry_taken_back"} <= found
    assert found - set(REASONS) == set()
    assert len({sentence(reason, "#1001", "review") for reason in REASONS}) == len(REASONS)


def test_reasons_name_the_order_or_the_action() -> None:
    assert sentence("order_refunded", "#1001") == "Points taken back for a refund on order #1001"
    assert sentence("action_earned", action="review") == "Points for a review"
    assert sentence("action_earned", action="unboxing_video") == "Points for “unboxing_video”"
    assert sentence("action_refused") == "Points taken back because something done does not count any more"
