"""Killed processes change nothing: the ledger ends as that of a run in which nobody was killed."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dev_store.history.year import generate
from tests.crash.crash_story import Ending, Trouble, live_through
from tests.soak_page import write_section

START = datetime(2025, 11, 21, tzinfo=UTC)


def _both(
    folder: Path, *, orders: int, customers: int, days: int, redeem: bool, trouble: Trouble
) -> tuple[Ending, Ending]:
    steps = generate(7, start=START, orders=orders, customers=customers, days=days, redeem=redeem)
    quiet = live_through(folder / "quiet", steps, Trouble(doubled=0.0))
    return quiet, live_through(folder / "killed", steps, replace(trouble, expected=quiet.announced))


def _same(quiet: Ending, killed: Ending) -> None:
    assert quiet.differences == []
    assert killed.differences == []
    assert killed.sources == quiet.sources
    assert killed.balances == quiet.balances


@pytest.mark.timeout(300)
def test_a_few_kills_of_web_and_worker_leave_the_ledger_as_it_would_be(tmp_path: Path) -> None:
    # Nobody redeems here: a code in a killed worker's hands waits for the end of its lease, longer than this test may.
    trouble = Trouble(kills=3, doubled=0.2, dropped=0.1)
    quiet, killed = _both(tmp_path, orders=240, customers=50, days=40, redeem=False, trouble=trouble)
    assert killed.killed.total() == 3
    assert killed.dropped > 40
    _same(quiet, killed)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_hundred_kills_over_fifty_thousand_webhooks_leave_the_ledger_as_it_would_be(tmp_path: Path) -> None:
    trouble = Trouble(kills=100, doubled=0.2, dropped=0.13)  # of orders and refunds: a tenth of all
    quiet, killed = _both(tmp_path, orders=13_800, customers=1_500, days=365, redeem=True, trouble=trouble)
    assert killed.announced >= 50_000
    assert killed.killed.total() == 100
    _same(quiet, killed)
    points, codes = killed.verdict.summary["points"], killed.verdict.summary["codes"]
    write_section(
        "Crashes",
        f"A year of 13,800 orders, {quiet.announced:,} webhooks, lived through twice: undisturbed in"
        f" {quiet.seconds:.0f} s, and, 20 % of them delivered twice, {killed.dropped:,} dropped and their orders later"
        f" read again, all shuffled in windows of 60, with {killed.killed['web']} SIGKILLs of the web process and"
        f" {killed.killed['worker']} of the worker (half of them of their whole process group), in"
        f" {killed.seconds:.0f} s.\n\nBoth ledgers are equal: {len(quiet.balances):,} accounts,"
        f" {len(quiet.sources):,} sources, {points['issued']:,} points issued, {points['reversed']:,} taken back,"
        f" {points['spent']:,} spent. Both agree with what the development store computed from its own orders, and the"
        f" {codes['issued']:,} discount codes that it holds are those that members were charged for, none twice.",
    )
