"""Bringing a database to the newest revision: `perennial migrate`, and every start of `serve`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

# Two processes that start together: one migrates, the other waits here. Any fixed number of our own does.
_LOCK = 7_305_217_001


def config() -> Config:
    """Alembic's configuration, which needs no file because the package knows where its scripts are."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return settings


def migrate(engine: Engine, revision: str = "head") -> None:
    """Upgrade to a revision, one process at a time. A lock that is not had within five seconds fails the migration."""
    settings = config()
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.execute(text("set lock_timeout = '5s'"))
        connection.commit()
        try:
            settings.attributes["connection"] = connection
            command.upgrade(settings, revision)
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _LOCK})
            connection.execute(text("reset lock_timeout"))
            connection.commit()


def pending(engine: Engine) -> list[str]:
    """Revisions that the database lacks, oldest first."""
    script = ScriptDirectory.from_config(config())
    with engine.connect() as connection:
        have = MigrationContext.configure(connection).get_current_heads()
    missing = script.iterate_revisions("heads", have or "base")
    return [revision.revision for revision in reversed(list(missing))]
