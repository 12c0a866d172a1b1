"""`perennial balances …`: importing, undoing and listing balances; and where all commands of this package are attached.

Attached to the program by `app.cli`. Each command says what it did in one or a few lines; what a person can mend ends
it with exit code 1.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.errors import Problem
from app.transfer.options import SHOWN, actor, file_argument, shop_of, shop_option
from app.transfer.shop_commands import export_shop, import_shop

if TYPE_CHECKING:
    from app.runtime import Runtime
    from app.transfer.errors import RowError
    from app.transfer.models import BalanceImport
    from app.transfer.preview import Preview


def attach(program: click.Group, runtime: Callable[[], Runtime]) -> None:
    """Add the commands to the program; `runtime` makes what they work with."""
    for command in (balances, export_shop, import_shop):
        program.add_command(command)
    program.context_settings.setdefault("obj", runtime)


@click.group()
def balances() -> None:
    """Points that members bring along from another program."""


@balances.command("import")
@shop_option
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--skip-bad", is_flag=True, help="Import the right rows although others are wrong.")
@click.option("--again", is_flag=True, help="Import a file that was imported before.")
@click.option("--column", "named", multiple=True, metavar="MEANING=WORD", help="What a column of the header means.")
@click.option("--errors", type=click.Path(path_type=Path), help="Write all errors into this CSV file.")
@file_argument
@click.pass_obj
def import_balances(
    runtime: Callable[[], Runtime],
    *,
    domain: str,
    file: Path,
    dry_run: bool,
    skip_bad: bool,
    again: bool,
    named: tuple[str, ...],
    errors: Path | None,
) -> None:
    """Import balances from a CSV file: email or customer_id, points, and perhaps their dates and a note.

    A run that was interrupted goes on when the same file is given again. Customers are told nothing.
    """
    from app.transfer import balances as transfer
    from app.transfer.errors import FileRefused

    built, words = runtime(), _named(named)
    try:
        with built.database.system() as session, file.open("rb") as content:
            shop = shop_of(session, domain)
            if dry_run:
                said = transfer.dry_run(session, shop, content, named=words)
                _tell_preview(said)
                _tell_errors(said.errors, said.error_count, errors)
                raise click.exceptions.Exit(1 if said.errors and not skip_bad else 0)
            imported = transfer.start(
                session, shop, content, actor=actor(), named=words, skip_bad=skip_bad, again=again
            )
    except FileRefused as refused:
        _tell_errors(refused.errors, refused.count, errors)
        raise click.ClickException(refused.detail) from refused
    except Problem as problem:
        raise click.ClickException(f"{problem.detail} Say --again if it is meant.") from problem
    imported = _with_bar(
        "Importing", imported, lambda told: transfer.carry_on(built.database, shop.id, imported.id, told)
    )
    click.echo(f"{imported.rows} rows, {imported.points} points, {imported.skipped} rows left out: {imported.state}.")
    click.echo(f"To take it back: perennial balances undo --shop {domain} {imported.id}")


@balances.command("undo")
@shop_option
@click.argument("import_id", metavar="ID")
@click.pass_obj
def undo_import(runtime: Callable[[], Runtime], *, domain: str, import_id: str) -> None:
    """Take an import back, but for what has been spent since."""
    from app.transfer import balances as transfer

    built = runtime()
    with built.database.system() as session:
        shop = shop_of(session, domain)
    try:
        with built.database.system() as session:
            found = transfer.locked(session, shop.id, import_id)
        undone = _with_bar(
            "Undoing",
            found,
            lambda told: transfer.take_back(built.database, shop.id, found.id, told, actor=actor()),
            backwards=True,
        )
    except Problem as problem:
        raise click.ClickException(problem.detail) from problem
    with built.database.system() as session:
        rows = transfer.kept(session, shop.id, undone.id)
    click.echo(f"The import of {undone.at:%d %B %Y} is undone.")
    for row in rows[:SHOWN]:
        click.echo(f"  line {row.row}: {row.kept} points had been spent and stay with account {row.account_id}")
    if rows:
        click.echo(f"{sum(row.kept or 0 for row in rows)} points of {len(rows)} rows had been spent and stay.")


@balances.command("list")
@shop_option
@click.pass_obj
def list_imports(runtime: Callable[[], Runtime], *, domain: str) -> None:
    """The imports of a shop, the newest first."""
    from app.transfer import balances as transfer

    with runtime().database.system() as session:
        for item in transfer.imports(session, shop_of(session, domain).id):
            click.echo(
                f"{item.id}  {item.at:%Y-%m-%d %H:%M}  {item.rows:>9} rows  {item.points:>12} points  {item.state}"
            )


def _named(pairs: tuple[str, ...]) -> dict[str, str]:
    named = {}
    for pair in pairs:
        meaning, equals, word = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair} is not of the form points=Balance", param_hint="--column")
        named[meaning] = word
    return named


def _with_bar(
    title: str,
    imported: BalanceImport,
    work: Callable[[Callable[[int], None]], BalanceImport],
    *,
    backwards: bool = False,
) -> BalanceImport:
    """Carry out `work`, which tells the line of the file that it has reached, under a progress bar."""
    from tqdm import tqdm

    start = imported.position
    whole = start if backwards else max(imported.rows + 1 - start, 0)
    with tqdm(total=whole, desc=title, unit="line") as bar:

        def told(position: int) -> None:
            bar.update(abs(position - start) - bar.n)

        done = work(told)
        bar.update(max(whole - bar.n, 0))
    return done


def _tell_preview(said: Preview) -> None:
    click.echo(f"{said.rows} rows with {said.points} points for {said.people} people; nothing is written.")
    click.echo(
        f"{said.new_accounts} of them get an account, {said.debts_paid} points pay what is owed, "
        f"{said.lifetime} points count as ever earned."
    )
    for row in said.first:
        end = f", until {row.expires_at:%Y-%m-%d %H:%M} UTC" if row.expires_at else ""
        click.echo(f"  line {row.line}: {row.who}: {row.points} points{end}; {row.balance} -> {row.balance_after}")


def _tell_errors(errors: tuple[RowError, ...], count: int, report: Path | None) -> None:
    for error in errors[:SHOWN]:
        click.echo(f"  {error}", err=True)
    if count > SHOWN:
        click.echo(f"  … and {count - SHOWN} more", err=True)
    if errors and report is not None:
        from app.transfer.error_report import as_csv

        report.touch(mode=0o600)
        report.write_text(as_csv(errors), encoding="utf-8")
        click.echo(f"The errors are in {report}.", err=True)
