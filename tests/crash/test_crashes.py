"""Killed processes change nothing: the ledger ends as that of a run in which nobody was killed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dev_store.history.year import generate
from tests.crash.crash_story import Ending, live_through
from tests.soak_page import write_section

START = datetime(2025, 11, 21, tzinfo=UTC)


def _both(folder: Path, *, orders: int, customers: int, days: int, kills: int, redeem: bool) -> tuple[Ending, Ending]:
    steps = generate(7, start=START, orders=orders, customers=customers, days=days, redeem=redeem)
    quiet = live_through(folder / "quiet", steps)
    return quiet, live_through(folder / "killed", steps, kills=kills, expected=quiet.announced)


def _same(quiet: Ending, killed: Ending) -> None:
    assert quiet.verdict.differences == []
    assert killed.verdict.differences == []
    assert killed.sources == quiet.sources
    assert killed.balances == quiet.balances


@pytest.mark.timeout(300)
def test_a_few_kills_of_web_and_worker_leave_the_ledger_as_it_would_be(tmp_path: Path) -> None:
    # Nobody redeems here: a code in a killed worker's hands waits for the end of its lease, longer than this test may.
    quiet, killed = _both(tmp_path, orders=240, customers=50, days=40, kills=3, redeem=False)
    assert killed.killed.total() == 3
    _same(quiet, killed)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_twenty_kills_during_a_whole_year_leave_the_ledger_as_it_would_be(tmp_path: Path) -> None:
    quiet, killed = _both(tmp_path, orders=3000, customers=400, days=365, kills=20, redeem=True)
    assert killed.killed.total() == 20
    _same(quiet, killed)
    points = killed.verdict.summary["points"]
    write_section(
        "Crashes",
        f"A year of 3,000 orders, {quiet.announced:,} webhooks, 10 % of them delivered twice and all shuffled in"
        f" windows of 60, lived through twice: undisturbed in {quiet.seconds:.0f} s, and with {killed.killed['web']}"
        f" SIGKILLs of the web process and {killed.killed['worker']} of the worker (half of them of their whole process"
        f" group) in {killed.seconds:.0f} s.\n\nBoth ledgers are equal: {len(quiet.balances):,} accounts,"
        f" {len(quiet.sources):,} sources, {points['issued']:,} points issued, {points['reversed']:,} taken back,"
        f" {points['spent']:,} spent. Both agree with what the development store computed from its own orders.",
    )
