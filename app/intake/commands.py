"""`perennial import-shop` and `perennial reconcile`: a run of `app.intake`, carried out here and told as it goes.

A worker may carry the same run on at the same time; whoever comes second drops what it did.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from app.transfer.options import shop_of, shop_option

if TYPE_CHECKING:
    from app.intake.queries import Progress
    from app.runtime import Runtime

_LONGEST_PAUSE = 5.0


def attach(cli: click.Group, runtime: Callable[[], Runtime]) -> None:
    """Add the commands."""
    for command in (import_shop, reconcile):
        command.context_settings = {"obj": runtime}
        cli.add_command(command)


@click.command("import-shop")
@shop_option
@click.pass_obj
def import_shop(runtime: Callable[[], Runtime], *, domain: str) -> None:
    """Read all customers, orders and products that Shopify shows, as after the installation; again does no harm.

    Orders of before the installation earn nothing until the merchant has chosen so.
    """
    from app.intake.service import IMPORT

    built = runtime()
    with built.database.system() as session:
        shop_id = shop_of(session, domain).id
    told = _carry_out(built, shop_id, IMPORT, everything=True)
    counts = told.counts
    click.echo(
        f"{counts.get('customers', 0):,} customers, {counts.get('orders', 0):,} orders and "
        f"{counts.get('products', 0):,} products were read; {counts.get('written', 0):,} orders were new or newer."
    )


@click.command("reconcile")
@click.option("--shop", "domain", help="Only this shop, named by its myshopify.com domain.")
@click.option("--everything", is_flag=True, help="All that Shopify shows, not only changes since the last time.")
@click.pass_obj
def reconcile(runtime: Callable[[], Runtime], *, domain: str | None, everything: bool) -> None:
    """Compare Shopify's orders and customers with ours, repair what differs, and say what it was.

    Exit code 1 when something still differs afterwards.
    """
    from app.intake.queries import installed_shops
    from app.intake.service import RECONCILE

    built = runtime()
    with built.database.system() as session:
        shops = [(shop_of(session, domain).id, domain)] if domain else installed_shops(session)
    left = 0
    for shop_id, name in shops:
        counts = _carry_out(built, shop_id, RECONCILE, everything=everything).counts
        differences = int(counts.get("left", 0))
        left += differences
        click.echo(
            f"{name}: {counts.get('orders', 0):,} orders and {counts.get('customers', 0):,} customers compared; "
            f"orders missed {counts.get('missed', 0):,}, stale {counts.get('stale', 0):,}, "
            f"repaired {counts.get('written', 0):,}; customers missed {counts.get('customers_missed', 0):,}, "
            f"stale {counts.get('customers_stale', 0):,}; difference after repair: {differences:,}."
        )
        if asked_for := counts.get("asked_for", 0):
            click.echo(f"{name}: {asked_for:,} are no longer listed; whether they were deleted is asked one by one.")
    if left:
        raise click.exceptions.Exit(1)


def _carry_out(runtime: Runtime, shop_id: int, kind: str, *, everything: bool) -> Progress:
    """Begin a run, or join the one that is open, and stay with it to its end."""
    from app import job_table
    from app.intake import queries, running, service

    job_table.load()
    with runtime.database.system() as session:
        service.begin(session, shop_id, kind, everything=everything)
        run = queries.open_run(session, shop_id)
    if run is None:
        raise click.ClickException("The run was over before it could be looked at. Try again.")
    if run.kind != kind:
        click.echo(f"A run of the kind `{run.kind}` is under way; this command stays with it.", err=True)
    said = ""
    while (wait := running.carry_on(runtime, shop_id, run.id, seconds=2)) is not None:
        said = _say(runtime, shop_id, said)
        time.sleep(min(wait.total_seconds(), _LONGEST_PAUSE))
    with runtime.database.system() as session:
        [ended] = [one for one in queries.runs(session, shop_id, limit=100) if one.id == run.id]
    if ended.state != "done":
        raise click.ClickException(ended.error or "The run did not succeed.")
    return ended


def _say(runtime: Runtime, shop_id: int, before: str) -> str:
    """A line when there is something new to tell."""
    from app.intake import queries

    with runtime.database.system() as session:
        run = queries.open_run(session, shop_id)
    if run is None:
        return before
    done, expected = run.counts.get(run.stage, 0), run.counts.get(f"{run.stage}_expected", 0)
    line = f"step {run.step} of {run.steps}, {run.stage}" + (f": {done:,} of {expected:,}" if expected else "")
    if line != before:
        click.echo(line, err=True)
    return line
