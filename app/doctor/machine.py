"""Checks that need no database: this machine, this account, the home folder, the settings."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from smtplib import SMTPException
from urllib.parse import urlsplit

from app import clock, mail
from app.config import Settings
from app.crypto import KEYS_FILE
from app.doctor.findings import Finding, error, ok, warning

ROOM_TO_WORK = 200 * 2**20  # bytes; below this a database soon refuses to write
ROOM_TO_GROW = 2 * 2**30


def home_folder(settings: Settings) -> Iterator[Finding]:
    """Database, keys and logs are kept in the home."""
    title = "Home folder"
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.home):
            pass
    except OSError as problem:
        yield error(
            title,
            f"{settings.home} cannot be written ({problem.strerror}).",
            "Set PERENNIAL_HOME to a folder that this user may write to.",
        )
        return
    yield ok(title, f"{settings.home} can be written.")


def disk_space(settings: Settings) -> Iterator[Finding]:
    """A full disk stops a database first."""
    title = "Disk space"
    existing = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 2**30:.1f} GB free where {settings.home} is."
    if free < ROOM_TO_WORK:
        yield error(title, detail, "Free some space now: without it the database stops.")
    elif free < ROOM_TO_GROW:
        yield warning(title, detail, "Plan for a larger disk.")
    else:
        yield ok(title, detail)


def encryption_keys(settings: Settings) -> Iterator[Finding]:
    """Tokens and stored webhooks are encrypted; whoever loses the keys loses them."""
    title = "Encryption keys"
    path = settings.home / KEYS_FILE
    if settings.encryption_keys:
        yield ok(title, f"PERENNIAL_ENCRYPTION_KEYS holds {len(settings.encryption_keys)}.")
    elif not path.exists():
        yield ok(title, f"None yet; the first start makes one in {path}.")
    elif stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield error(title, f"Other users of this machine can read {path}.", f"Run: chmod 600 {path}")
    else:
        yield ok(title, f"Kept in {path}. Keep a copy elsewhere: backups cannot be read without it.")


def shopify_credentials(settings: Settings) -> Iterator[Finding]:
    """The client id and secret of the app, from Shopify's developer dashboard."""
    values = {"SHOPIFY_API_KEY": settings.api_key, "SHOPIFY_API_SECRET": settings.api_secret}
    missing = [name for name, value in values.items() if not value]
    if missing:
        yield error(
            "Shopify credentials",
            f"{' and '.join(missing)} not set: no shop can install the app, and no webhook can be checked.",
            "Copy client id and secret from your app's settings in Shopify's developer dashboard.",
        )
    else:
        yield ok("Shopify credentials", "Client id and secret are set.")


def app_url(settings: Settings) -> Iterator[Finding]:
    """Shopify opens the app in a frame and sends webhooks; both need https."""
    title = "Address of the app"
    if urlsplit(settings.app_url).scheme == "https":
        yield ok(title, settings.app_url)
    elif settings.dev:
        yield ok(title, f"{settings.app_url} (http, which is for development only).")
    else:
        yield error(
            title,
            f"{settings.app_url} is not https; Shopify neither opens it nor sends webhooks to it.",
            "Put a proxy with a certificate in front, and set SHOPIFY_APP_URL to its https address.",
        )


def development_mode(settings: Settings) -> Iterator[Finding]:
    """Switches that must not be on in production, and a clock that was moved."""
    if not settings.dev:
        return
    title = "Development mode"
    path = settings.home / clock.OFFSET_FILE
    if path.exists():
        yield warning(
            title,
            f"PERENNIAL_DEV=1, and the clock of this home is moved by {timedelta(seconds=float(path.read_text()))}.",
            f"For true dates delete {path}.",
        )
    else:
        yield warning(title, "PERENNIAL_DEV=1: cookies and addresses are less strict.", "Never set it in production.")


def account(settings: Settings) -> Iterator[Finding]:
    """Root works, but nothing needs it."""
    if os.geteuid() == 0 and not settings.dev:
        yield warning(
            "User", "Perennial runs as root, which it does not need.", "Run it as an ordinary user that owns the home."
        )


def mail_server(settings: Settings) -> Iterator[Finding]:
    """Whether the mail server lets us in; none is needed."""
    title, server = "Mail", settings.mail
    if server is None:
        yield ok(title, "No mail server is set: codes that come late are shown, and not sent.")
        return
    try:
        with mail.connected(server) as connection:
            connection.noop()
    except (OSError, SMTPException) as problem:
        yield warning(
            title,
            f"{server.host}:{server.port} does not let us in ({type(problem).__name__}).",
            "Look at PERENNIAL_SMTP_URL: smtps:// for port 465, smtp:// for 587, user and password of the provider.",
        )
    else:
        yield ok(title, f"{server.host}:{server.port} takes mail from {server.sender}.")
