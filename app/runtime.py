"""What a process works with: settings, database, key ring. Built once at its start and passed on, never global."""

from dataclasses import dataclass

from flask import Flask

from app import clock
from app.config import Settings
from app.crypto import KeyRing, load_keyring
from app.db import Database
from app.postgres import database_url

EXTENSION = "perennial"


@dataclass(frozen=True)
class Runtime:
    """Settings, database and key ring of this process."""

    settings: Settings
    database: Database
    keyring: KeyRing


def build_runtime(settings: Settings, *, pool_size: int = 10, application_name: str = "perennial") -> Runtime:
    """Start or join the embedded database if there is no other, and open the pool. The clock follows in development."""
    if settings.dev:
        clock.use_offset_of(settings.home)
    url = database_url(settings)
    return Runtime(
        settings=settings,
        database=Database(url, pool_size=pool_size, application_name=application_name),
        keyring=load_keyring(settings.home, settings.encryption_keys),
    )


def of(flask_app: Flask) -> Runtime:
    """The runtime of a Flask application."""
    runtime = flask_app.extensions[EXTENSION]
    assert isinstance(runtime, Runtime)
    return runtime
