"""Settings, read once from the environment at the start of every process.

Everything else receives a `Settings`; nothing else reads `os.environ`. The names are those the Shopify CLI sets
(`SHOPIFY_API_KEY`, `SCOPES`, `HOST` …), so that `shopify app dev` can start Perennial unchanged.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

DEFAULT_SCOPES = (
    "read_customers",
    "read_customer_merge",
    "write_customers",
    "read_orders",
    "read_products",
    "read_discounts",
    "write_discounts",
    "write_app_proxy",
)
SHOPIFY_ORIGIN = "https://{shop}"
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_SENDER = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")


class ConfigError(Exception):
    """A setting is missing or wrong; the message says which one and what to do."""


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """Who carries mail (SMTP), and the address it is sent from. `encrypted`: from the first byte on, else by STARTTLS,
    which is left out only where `plain` says that the server is this machine."""

    host: str
    port: int
    sender: str
    encrypted: bool = True
    plain: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a process of Perennial was told. Secrets are kept out of `repr`."""

    home: Path
    database_url: str | None = field(default=None, repr=False)
    api_key: str = ""
    api_secret: str = field(default="", repr=False)
    api_secret_old: str | None = field(default=None, repr=False)
    app_url: str = "http://localhost:3000"
    port: int = 3000
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    encryption_keys: tuple[bytes, ...] = field(default=(), repr=False)
    dev: bool = False
    shopify_origin: str = SHOPIFY_ORIGIN
    mail: MailServer | None = None

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets a signature may have been made with, the current one first; never an empty one."""
        return tuple(secret for secret in (self.api_secret, self.api_secret_old) if secret)


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raises `ConfigError` with the remedy when one cannot be used."""
    dev = environ.get("PERENNIAL_DEV") == "1"
    port = _port(environ.get("PORT", "3000"))
    return Settings(
        home=Path(environ.get("PERENNIAL_HOME") or "var").absolute(),
        database_url=environ.get("DATABASE_URL") or None,
        api_key=environ.get("SHOPIFY_API_KEY", ""),
        api_secret=environ.get("SHOPIFY_API_SECRET", ""),
        api_secret_old=environ.get("SHOPIFY_API_SECRET_OLD") or None,
        app_url=_app_url(environ.get("SHOPIFY_APP_URL") or environ.get("HOST") or f"http://localhost:{port}", dev=dev),
        port=port,
        scopes=_scopes(environ.get("SCOPES")),
        encryption_keys=_keys(environ.get("PERENNIAL_ENCRYPTION_KEYS", "")),
        dev=dev,
        shopify_origin=_origin(environ.get("PERENNIAL_SHOPIFY_ORIGIN"), dev=dev),
        mail=_mail(environ.get("PERENNIAL_SMTP_URL"), environ.get("PERENNIAL_MAIL_FROM")),
    )


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise ConfigError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _app_url(url: str, *, dev: bool) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"SHOPIFY_APP_URL must be a full address such as https://app.example.com, not {url!r}.")
    if parts.scheme == "http" and not dev and parts.hostname not in _LOCAL:
        raise ConfigError("SHOPIFY_APP_URL must begin with https:// (http is allowed only with PERENNIAL_DEV=1).")
    return url.rstrip("/")


def _scopes(text: str | None) -> tuple[str, ...]:
    if not text:
        return DEFAULT_SCOPES
    return tuple(scope.strip() for scope in text.split(",") if scope.strip())


def _keys(text: str) -> tuple[bytes, ...]:
    return tuple(_key(part.strip()) for part in text.split(",") if part.strip())


def _key(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != 32:
        raise ConfigError("PERENNIAL_ENCRYPTION_KEYS must hold urlsafe base64 of 32 bytes each, separated by commas.")
    return key


_SMTP_PORTS = {"smtps": 465, "smtp": 587}


def _mail(url: str | None, sender: str | None) -> MailServer | None:
    if not url and not sender:
        return None
    if not url or not sender:
        raise ConfigError("PERENNIAL_SMTP_URL and PERENNIAL_MAIL_FROM belong together: set both, or neither.")
    parts = urlsplit(url)
    try:
        port = parts.port or _SMTP_PORTS[parts.scheme]
    except (KeyError, ValueError):
        port = 0
    if not port or not parts.hostname:
        raise ConfigError("PERENNIAL_SMTP_URL must be an address such as smtps://user:password@mail.example.com.")
    if not _SENDER.fullmatch(sender):
        raise ConfigError("PERENNIAL_MAIL_FROM must be an address such as shop@example.com.")
    return MailServer(
        host=parts.hostname,
        port=port,
        sender=sender,
        encrypted=parts.scheme == "smtps",
        plain=parts.scheme == "smtp" and parts.hostname in _LOCAL,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def _origin(template: str | None, *, dev: bool) -> str:
    if not template:
        return SHOPIFY_ORIGIN
    if not dev:
        raise ConfigError("PERENNIAL_SHOPIFY_ORIGIN is for development: set PERENNIAL_DEV=1 as well, or remove it.")
    if "{shop}" not in template:
        raise ConfigError("PERENNIAL_SHOPIFY_ORIGIN must contain {shop}, as in http://127.0.0.1:9292/{shop}.")
    return template.rstrip("/")
