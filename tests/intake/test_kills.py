"""Twenty real deaths of the importer, at any moment: the result is that of a run that nobody disturbed."""

import random
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from dev_store.commerce import OrderLine
from tests.intake.conftest import BEGIN, ROOT, World
from tests.soak_page import write_section

KILLS = 20


def process(world: World, run_id: int) -> subprocess.Popen[str]:
    settings = world.runtime.settings
    assert settings.database_url is not None
    arguments = [str(settings.home), settings.database_url, world.origin, str(world.shop_id), str(run_id)]
    command = [sys.executable, "-m", "tests.intake.importer", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def buy_more(world: World, orders: int) -> None:
    """A shop large enough to be killed in."""
    for n in range(orders):
        lines = [OrderLine("Tea", 1 + n % 3, "4.00"), OrderLine("Pot", 1, f"{10 + n}.50")]
        world.commerce.place_order(at=BEGIN + timedelta(hours=n), email=f"guest{n % 50}@example.com", lines=lines)


def place(world: World) -> tuple[str, int]:
    [(stage, position)] = world.rows("select stage, position from intake_runs order by id desc limit 1")
    return (stage, position)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_an_importer_killed_twenty_times_changes_nothing_in_the_result(world: World) -> None:
    buy_more(world, 900)
    assert world.run("import").state == "done"
    expected = world.projections()
    _forget(world)
    dice, run_id, killed, deaths = random.Random(20), world.begin("import"), 0, dict[str, int]()
    while killed < KILLS:
        running = process(world, run_id)
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        time.sleep(dice.uniform(0.02, 0.5))
        assert running.poll() is None, "it was over before it could be killed: make the shop larger"
        running.kill()
        running.wait()
        running.stdout.close()
        killed += 1
        stage, _ = place(world)
        deaths[stage] = deaths.get(stage, 0) + 1
    assert world.finish(run_id).state == "done"
    assert world.projections() == expected
    where = ", ".join(f"{stage} {count}" for stage, count in deaths.items())
    write_section(
        "An importer killed again and again",
        f"An import of {len(expected['orders'])} orders was killed {killed} times at random moments (by stage: "
        f"{where}); customers, orders, lines, codes, refunds, owners, totals, labels and balances are those of an "
        "import that nobody disturbed.",
    )


def _forget(world: World) -> None:
    """The shop as it was before the import."""
    tables = (
        "customers, orders, order_lines, order_codes, refunds, refund_lines, account_totals, accounts, identities, "
        "products, product_statements, product_labels, intake_runs, procrastinate_jobs, segment_changes"
    )
    with world.runtime.database.system() as session:
        session.execute(text(f"truncate {tables} cascade"))
