"""Every reason that the program can write into the ledger has words for the shopper."""

import ast
from pathlib import Path

import pytest

from app.api.words import REASONS, sentence

APP = Path(__file__).resolve().parents[2] / "app"
# Where a reason is computed instead of named: what the fold decides, and points that follow their owner.
COMPUTED = {"reason_for(source, target, held)", "f'{source.kind}_moved'", "reason"}
OF_SOURCES = ("order", "action")


def reasons_in(path: Path) -> set[str]:
    """Texts that a module gives as `reason=`, and those of the fold that say why points are less."""
    tree = ast.parse(path.read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        named = isinstance(node, ast.keyword) and node.arg == "reason" and _is_posting(tree, node)
        if isinstance(node, ast.keyword) and named:
            texts = {part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)}
            computed = ast.unparse(node.value) in COMPUTED
            assert texts or computed, f"{path.name}:{node.value.lineno} teach this test where {ast.unparse(node)} ends"
            found |= set() if computed else {str(text) for text in texts}
        if path.stem == "fold" and isinstance(node, ast.Constant) and str(node.value).startswith(("order_", "action_")):
            found.add(str(node.value))
    return found


def _is_posting(tree: ast.Module, keyword: ast.keyword) -> bool:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and keyword in node.keywords)
    return any(
        ast.unparse(call.func).rpartition(".")[2] in {"Posting", "_Posting", "_posting", "_post"} for call in calls
    )


@pytest.mark.requirement(134, partly=True)
def test_every_reason_in_the_program_has_its_own_words() -> None:
    found = {f"{kind}_moved" for kind in OF_SOURCES}.union(*(reasons_in(path) for path in APP.rglob("*.py")))
    assert {"order_earned", "order_refunded", "action_refused", "adjusted", "redeemed", "account_merged"} <= found
    assert found - set(REASONS) == set()


def test_reasons_name_the_order_or_the_action() -> None:
    assert sentence("order_refunded", "#1001") == "Points taken back for a refund on order #1001"
    assert sentence("action_earned", action="review") == "Points for a review"
    assert sentence("action_earned", action="unboxing_video") == "Points for “unboxing_video”"
    assert sentence("action_refused") == "Points taken back because something done does not count any more"
