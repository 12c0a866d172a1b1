"""What the development store is told when it starts: where it lives, which app it serves, what that app subscribed to.

`read_app_config` plays `shopify app deploy`: the app's own shopify.app.toml says which webhook topics go to which
address. Used by `__main__` and by tests; nothing is read from the environment here.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class ConfigError(Exception):
    """A setting that cannot work; the message says what to do."""


@dataclass(frozen=True)
class Subscription:
    """One topic the app listens to, as the TOML declares it, and the absolute address it is delivered to."""

    topic: str
    uri: str
    name: str | None = None


@dataclass(frozen=True)
class AppConfig:
    """The part of shopify.app.toml that Shopify itself would act on."""

    api_version: str
    subscriptions: tuple[Subscription, ...]
    scopes: tuple[str, ...] = ()
    optional_scopes: tuple[str, ...] = ()
    redirect_urls: tuple[str, ...] = ()
    proxy_url: str = ""
    proxy_prefix: str = "apps"
    proxy_subpath: str = ""
    # The theme app extension's folder, if there is one.
    extension: Path | None = None


@dataclass(frozen=True)
class Config:
    """`home` None keeps everything in memory. `app_url` has no trailing slash. `seed` fixes all switches' dice."""

    app_url: str
    client_id: str
    client_secret: str
    app: AppConfig
    home: Path | None = None
    host: str = "127.0.0.1"
    port: int = 9292
    seed: int | None = None

    def __post_init__(self) -> None:
        """The store hands out tokens to whoever asks, so it must never be reachable from another machine."""
        if self.host not in LOOPBACK:
            raise ConfigError(f"the development store listens on this machine only, not on {self.host}: use 127.0.0.1")

    @property
    def origin(self) -> str:
        """Where browsers and the app reach this store, without a trailing slash."""
        return f"http://{self.host}:{self.port}"

    @property
    def database(self) -> Path | None:
        return self.home / "dev-store.sqlite" if self.home else None


def read_app_config(path: Path, app_url: str) -> AppConfig:
    """Parses shopify.app.toml; relative webhook addresses are joined to the app's URL as Shopify does.

    Raises ConfigError for what `shopify app build` refuses: no webhook version, a topic twice at one address.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not a readable shopify.app.toml: {error}") from error
    webhooks = document.get("webhooks", {})
    if "api_version" not in webhooks:
        raise ConfigError(f"{path}: [webhooks] has no api_version")
    scopes = document.get("access_scopes", {})
    return AppConfig(
        api_version=webhooks["api_version"],
        subscriptions=_subscriptions(webhooks, app_url, path),
        scopes=tuple(part.strip() for part in scopes.get("scopes", "").split(",") if part.strip()),
        optional_scopes=tuple(scopes.get("optional_scopes", [])),
        redirect_urls=tuple(document.get("auth", {}).get("redirect_urls", [])),
        extension=_extension(document, path),
        **_proxy(document.get("app_proxy", {}), app_url),
    )


def _proxy(proxy: dict[str, Any], app_url: str) -> dict[str, str]:
    """Where the app proxy leads: the path of the declared address, at the app that runs here."""
    return {
        "proxy_url": app_url + urlsplit(proxy.get("url", "")).path.rstrip("/"),
        "proxy_prefix": proxy.get("prefix", "apps"),
        "proxy_subpath": proxy.get("subpath", ""),
    }


def _extension(document: dict[str, Any], path: Path) -> Path | None:
    """The folder that is itself an extension, as Shopify finds it through `extension_directories`."""
    folders = (path.parent / name for name in document.get("extension_directories", []))
    return next((folder for folder in folders if (folder / "shopify.extension.toml").is_file()), None)


def _subscriptions(webhooks: dict[str, Any], app_url: str, path: Path) -> tuple[Subscription, ...]:
    found: list[Subscription] = []
    for entry in webhooks.get("subscriptions", []):
        uri = urljoin(app_url + "/", entry["uri"])
        if urlsplit(uri).scheme not in {"http", "https"} or not urlsplit(uri).hostname:
            raise ConfigError(f"{path}: the development store delivers to http addresses only, not to {uri}")
        for topic in [*entry.get("topics", []), *entry.get("compliance_topics", [])]:
            if any(one.topic == topic and one.uri == uri for one in found):
                raise ConfigError(f"{path}: {topic} is subscribed to twice at {uri}")
            found.append(Subscription(topic, uri, entry.get("name")))
    return tuple(found)
