"""`perennial export` and `perennial import`: a shop as one file. Attached by `app.transfer.commands`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.errors import Problem
from app.transfer.options import SHOWN, actor, file_argument, shop_of, shop_option

if TYPE_CHECKING:
    from app.runtime import Runtime


@click.command("export")
@shop_option
@click.option("--notes", is_flag=True, help="The notes beside entries too, which may name people.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def export_shop(runtime: Callable[[], Runtime], *, domain: str, file: Path, notes: bool) -> None:
    """Write a shop's rules, facts and balances into FILE, gzipped when it ends in .gz.

    The file holds personal data (its first line says which) and is readable by you alone.
    """
    from app.audit import service as audit
    from app.transfer import files
    from app.transfer.export import lines

    database = runtime().database
    try:
        with database.system() as session:
            shop_id = shop_of(session, domain).id
        with database.system() as session:
            size = files.write(file, lines(session, shop_id, notes=notes))
    except OSError as error:
        raise click.ClickException(str(error)) from error
    with database.system() as session:
        audit.record(
            session, shop_id, actor=actor(), what="shop.exported", subject=f"shop:{shop_id}", after={"notes": notes}
        )
    click.echo(f"{file} is written ({size:,} bytes). It holds personal data: keep it as you keep the database.")


@click.command("import")
@shop_option
@file_argument
@click.pass_obj
def import_shop(runtime: Callable[[], Runtime], *, domain: str, file: Path) -> None:
    """Bring the FILE of another installation into a shop that has no points yet.

    All of it or nothing: every balance and every lot must follow from the rules and facts in the file.
    """
    from app.audit import service as audit
    from app.transfer import files
    from app.transfer.errors import FileRefused
    from app.transfer.take_in import take_in

    try:
        with runtime().database.system() as session:
            shop = shop_of(session, domain)
            taken = take_in(session, shop, files.read(file))
            audit.record(
                session,
                shop.id,
                actor=actor(),
                what="shop.imported",
                subject=f"shop:{shop.id}",
                after=dict(taken._asdict()),
            )
    except FileRefused as refused:
        for error in refused.errors[:SHOWN]:
            click.echo(f"  {error.column}: {error.problem} {error.remedy}", err=True)
        raise click.ClickException(refused.detail) from refused
    except Problem as problem:
        raise click.ClickException(problem.detail) from problem
    click.echo(
        f"{taken.accounts} accounts, {taken.orders} orders, {taken.entries} entries: {taken.points} points, all of "
        "which follow from the facts."
    )
