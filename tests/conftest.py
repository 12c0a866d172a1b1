"""What every test stands on: a real PostgreSQL, a migrated database for each worker, a runtime and a shop.

One embedded server serves all workers of a checkout (`.cache/tests`); each worker clones the migrated template once and
empties its tables before a test. Durability is switched off here only; tests about durability run servers of their own.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import responses
import structlog
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

from app import clock, logs
from app.config import Settings
from app.crypto import KeyRing
from app.db import Database
from app.migrations.run import migrate
from app.postgres.server import EmbeddedPostgres
from app.runtime import Runtime
from app.shops.models import Shop
from tests import compiled_once
from tests.emptying import empty
from tests.factories import make_shop
from tests.shopify.signing import OLD_SECRET, SECRET

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".cache" / "tests"

# The same cases each time, however slow the machine is: how long a case takes is no law of ours.
hypothesis_settings.register_profile("perennial", deadline=None, derandomize=True)
hypothesis_settings.load_profile("perennial")
compiled_once.use()
# structlog's own default draws an exception with all local variables, which takes seconds.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        logs.exception_without_words,
        structlog.processors.KeyValueRenderer(),
    ]
)


@pytest.fixture(scope="session")
def server_url() -> Iterator[URL]:
    """The embedded server of this checkout's tests."""
    server = EmbeddedPostgres(HOME, {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
    yield make_url(server.start())
    server.stop_using()


@pytest.fixture(scope="session")
def worker_database(server_url: URL) -> Iterator[str]:
    """This worker's database, cloned from a template that carries the present migrations."""
    template = f"template_{_digest_of_migrations()}"
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    admin = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("select pg_advisory_lock(815)"))
        if not connection.scalar(text("select 1 from pg_database where datname = :name"), {"name": template}):
            # One is left behind by a migration that failed.
            connection.execute(text(f'drop database if exists "{template}_draft"'))
            connection.execute(text(f'create database "{template}_draft"'))
            draft = create_engine(server_url.set(database=f"{template}_draft"))
            migrate(draft)
            draft.dispose()
            connection.execute(text(f'alter database "{template}_draft" rename to "{template}"'))
        _drop_leftovers(connection)
        connection.execute(text(f'create database "{name}" template "{template}"'))
        connection.execute(text("select pg_advisory_unlock(815)"))
    yield server_url.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f'drop database "{name}" with (force)'))
    admin.dispose()


def _drop_leftovers(connection) -> None:  # type: ignore[no-untyped-def]  # Connection in autocommit
    """Databases of killed runs: nobody is connected to them."""
    unused = text("""select datname from pg_database d where datname like 'test\\_%' and not exists
        (select 1 from pg_stat_activity a where a.datname = d.datname)""")
    for name in connection.execute(unused).scalars().all():
        if not Path(f"/proc/{name.rpartition('_')[2]}").exists():
            try:
                connection.execute(text(f'drop database "{name}"'))
            except (OperationalError, ProgrammingError):
                continue  # another worker was quicker


def _digest_of_migrations() -> str:
    digest = hashlib.sha256()
    for path in sorted((ROOT / "app" / "migrations").rglob("*.*")):
        if path.suffix in {".py", ".sql"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@pytest.fixture
def database_url(worker_database: str) -> str:
    """This worker's database, emptied."""
    engine = create_engine(worker_database)
    with engine.begin() as connection:
        empty(connection)
    engine.dispose()
    return worker_database


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Development settings on this worker's database, with a home of the test's own."""
    return Settings(
        home=tmp_path / "home",
        database_url=database_url,
        api_key="test-api-key",
        api_secret=SECRET,
        api_secret_old=OLD_SECRET,
        app_url="http://localhost:3000",
        encryption_keys=(b"k" * 32,),
        dev=True,
        shopify_origin="https://{shop}",
    )


@pytest.fixture
def runtime(settings: Settings, database_url: str) -> Iterator[Runtime]:
    """A runtime as a process has it."""
    clock.use_offset_of(settings.home)
    database = Database(database_url, pool_size=10, application_name="tests")
    yield Runtime(settings=settings, database=database, keyring=KeyRing(settings.encryption_keys))
    database.dispose()
    clock.use_offset_of(None)


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """An installed shop with the default program."""
    return make_shop(runtime)


@pytest.fixture
def client(runtime: Runtime) -> Iterator[FlaskClient]:
    """A test client of the whole application."""
    from app.factory import create_app
    from webhooks.routes import EXTENSION

    application = create_app(runtime)
    yield application.test_client()
    application.extensions[EXTENSION].close()


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """Nothing leaves the machine; a request nobody expected is a connection error."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses are noted, not slept through."""
    taken: list[float] = []
    monkeypatch.setattr("time.sleep", taken.append)
    return taken
