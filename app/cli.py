"""`perennial`: every command of the operator. Each is a few lines that call a feature; modules load when needed.

Errors that a person can mend are one sentence on standard error and exit code 1; anything else is a bug and shows it.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from app import key_commands, logs
from app.config import ConfigError, Settings, load_settings
from app.intake import commands as intake
from app.postgres.errors import PostgresUnavailable
from app.runtime import Runtime, build_runtime
from app.shops import privacy_commands
from app.transfer import commands as transfer
from webhooks import commands as inbox

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.key_rotation import SealedColumn


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Customer retention for Shopify, on a machine of your own."""


def main() -> None:
    """Run a command; the entry point of `perennial` and of `python -m app.cli`."""
    logs.configure(process="command line")
    try:
        cli.main(standalone_mode=False)
    except (ConfigError, PostgresUnavailable) as error:
        fail(str(error))
    except click.Abort:
        fail("Stopped.")
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)


def fail(message: str) -> NoReturn:
    """Say what is wrong and end."""
    click.echo(message, err=True)
    sys.exit(1)


def settings() -> Settings:
    """The settings of this environment."""
    return load_settings(os.environ)


def runtime() -> Runtime:
    """A runtime for a command that works on the database, which it brings to the newest revision first."""
    from app.migrations.run import migrate

    built = build_runtime(settings(), pool_size=4, application_name="perennial command line")
    migrate(built.database.engine)
    return built


def share_metrics(home: Path, *, afresh: bool = False) -> None:
    """Let all processes of this home add to the same sums; `afresh` forgets those of processes that have ended.

    Prometheus' client looks for the folder when it is first imported, so this comes before the process' own imports;
    children inherit it.
    """
    folder = home / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db") if afresh else ():
        process = file.stem.rpartition("_")[2]
        if not process.isdigit() or not _is_alive(int(process)):
            file.unlink(missing_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@cli.command()
def serve() -> None:
    """Run the web and the worker process, and start again what ends."""
    share_metrics(settings().home, afresh=True)
    from app import supervisor

    logs.configure(process="serve")
    sys.exit(supervisor.serve(settings()))


@cli.command()
def web() -> None:
    """Run a web process alone (several machines)."""
    share_metrics(settings().home)
    from app.web import run_web

    run_web(settings())


@cli.command()
def worker() -> None:
    """Run a worker process alone (several machines)."""
    share_metrics(settings().home)
    from app import worker as process

    process.main()


@cli.command()
def migrate() -> None:
    """Bring the database to the newest revision."""
    runtime()
    click.echo("The database is up to date.")


@cli.command()
@click.option("--fresh", is_flag=True, help="Forget the last run's shop and start over.")
@click.option("--once", is_flag=True, help="Run the story, compare every figure, and exit.")
def demo(*, fresh: bool, once: bool) -> None:
    """Live through a shop's year on this machine, with a development store in Shopify's place."""
    from app import demo as story

    sys.exit(story.run(settings().home, fresh=fresh, once=once))


@cli.command()
def doctor() -> None:
    """Say what is wrong with this installation and how to mend it."""
    from app.doctor import doctor as examine

    findings = examine(settings())
    for finding in findings:
        click.echo(f"{finding.level:<8} {finding.title}: {finding.detail}")
        if finding.remedy:
            click.echo(f"         → {finding.remedy}")
    sys.exit(1 if any(finding.level == "error" for finding in findings) else 0)


@cli.command()
@click.argument("target", type=click.Path(path_type=Path))
def backup(target: Path) -> None:
    """Write the whole database into one encrypted file."""
    from app.postgres.backup import backup as write
    from app.postgres.errors import BackupError

    try:
        click.echo(write(settings(), target))
    except BackupError as error:
        fail(str(error))


@cli.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.option("--force", is_flag=True, help="Replace what the database holds.")
def restore(source: Path, *, force: bool) -> None:
    """Put a backup back into the database."""
    from app.postgres.backup import restore as put_back
    from app.postgres.errors import BackupError

    try:
        click.echo(put_back(settings(), source, force=force))
    except BackupError as error:
        fail(str(error))


@cli.group()
def db() -> None:
    """The embedded PostgreSQL."""


@db.command("stop")
def db_stop() -> None:
    """Stop the embedded PostgreSQL now, whoever uses it."""
    from app.postgres import embedded

    server = embedded(settings().home)
    stopped = server.stop()
    click.echo("The database server has stopped." if stopped else "No database server was running.")
    if server.in_use():
        click.echo("A running Perennial still uses it and will start it again; stop that first.")


@cli.group()
def ledger() -> None:
    """The points ledger."""


@ledger.command("verify")
@click.option("--shop", help="Only this shop, named by its myshopify.com domain.")
def ledger_verify(*, shop: str | None) -> None:
    """Check that balances and lots follow from the entries and that nothing sealed was changed; exit code 1 if not."""
    from app.loyalty.verify import verify_database

    database = runtime().database
    with database.system() as session:
        only = shop_id(session, shop) if shop else None
    with click.progressbar(length=1, label="Checking", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def progress(done: int, of: int) -> None:
            bar.length = of
            bar.update(done - bar.pos)

        verdict = verify_database(database, only, progress=progress)
    for line in verdict.told():
        click.echo(line)
    sys.exit(0 if verdict.agrees else 1)


@cli.group("api-key")
def api_key() -> None:
    """Keys of the public API."""


@api_key.command("create")
@click.option("--shop", required=True, help="The shop's myshopify.com domain.")
@click.option("--name", default="command line", show_default=True, help="What the key is for.")
def api_key_create(shop: str, name: str) -> None:
    """Make a key for a shop; it is printed alone on the last line, and never again."""
    from app.api.keys import create_key

    with runtime().database.system() as session:
        key = create_key(session, shop_id(session, shop), name)
    click.echo("Keep this key: only a digest of it is stored.")
    click.echo(key)


@cli.group("dev-store")
def dev_store() -> None:
    """The development store."""


@dev_store.command("replay")
@click.argument("file", type=click.Path(path_type=Path, exists=True))
def dev_store_replay(file: Path) -> None:
    """Say what a shop's past orders (Shopify's order export, or invoice lines) would have been worth in points."""
    from app import demo as story

    sys.exit(story.replay(file))


def shop_id(session: "Session", domain: str) -> int:
    """The id of an installed shop; ends the command when there is none of that domain."""
    from app.shops.queries import shop_by_domain

    found = shop_by_domain(session, domain.lower())
    if found is None:
        fail(f"No shop {domain} has installed this app. Shops are named by their myshopify.com domain.")
    return found.id


def _sealed_columns() -> "list[SealedColumn]":
    """Every column of encrypted values; a test looks for others."""
    from app.shops import secrets
    from webhooks import body

    return [*secrets.SEALED, body.SEALED]


transfer.attach(cli, runtime)
intake.attach(cli, runtime)
inbox.attach(cli, runtime)
key_commands.attach(cli, runtime, _sealed_columns)
privacy_commands.attach(cli, runtime)

if __name__ == "__main__":
    main()
