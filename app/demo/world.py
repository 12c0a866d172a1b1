"""A development store and a Perennial on this machine, started, joined by OAuth, and stopped again together.

`World` is what the demo, the replay of a file, the real year and the crash story stand on. Its home holds everything:
the app's database, keys and logs, the store's state, and `demo.json` with what must outlive a run. What must stay true:
whatever ends the block, Ctrl-C included, no process stays behind.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from app import clock
from app.config import Settings, load_settings
from app.db import Database
from app.demo.processes import Child, DemoError, OneDemo, free_port, stop_all
from app.postgres import database_url, embedded
from dev_store.history.actors import Members, install
from dev_store.history.remote import StoreClient
from dev_store.history.window import Visitors

ROOT = Path(__file__).resolve().parents[2]
APP_CONFIG = ROOT / "shopify.app.toml"
NOTES = "demo.json"


@dataclass(frozen=True)
class Notes:
    """What a later run of the same home needs. `story` names what the shop has lived through, once it has."""

    shop: str
    client_id: str
    client_secret: str
    key: str = ""
    story: str = ""

    def write(self, home: Path) -> None:
        path = home / NOTES
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        draft.replace(path)


def read_notes(home: Path) -> Notes | None:
    """The notes of an earlier run; None in a home that no demo has used."""
    path = home / NOTES
    return Notes(**json.loads(path.read_text("utf-8"))) if path.is_file() else None


def clear(home: Path) -> None:
    """Removes a demo's home with everything in it. DemoError for a home that holds something else."""
    if not home.exists() or not any(home.iterdir()):
        return
    if read_notes(home) is None and {entry.name for entry in home.iterdir()} - {"demo.lock", "logs"}:
        raise DemoError(f"{home} holds data that no demo made. Name another folder: PERENNIAL_HOME=var/demo make demo")
    held = OneDemo(home)
    held.take()
    _command(home, _environ(home), "db", "stop")
    shutil.rmtree(home)
    held.release()


class World:
    """Both sides of one home, running for the length of a `with` block: `children` are the store and `serve`."""

    def __init__(self, home: Path, shop: str, *, app_port: int = 0, store_port: int = 0) -> None:
        """`shop` (a full myshopify domain) counts in a new home; a used one keeps its own. Port 0 is any free one."""
        self.home = home.absolute()
        self.notes = read_notes(self.home) or Notes(shop, secrets.token_hex(16), secrets.token_hex(32))
        self.app_url = f"http://127.0.0.1:{free_port(app_port)}"
        self.store_origin = f"http://127.0.0.1:{free_port(store_port)}"
        self.environ = _environ(self.home) | self._addresses()
        self.settings: Settings = load_settings(self.environ)
        self.store = StoreClient(self.store_origin, self.notes.shop)
        self.children: list[Child] = []
        self._lock = OneDemo(self.home)
        self._database: Database | None = None

    @property
    def shop(self) -> str:
        return self.notes.shop

    @property
    def members(self) -> Members:
        return Members(self.app_url, self.notes.key)

    def visitors(self) -> Visitors:
        """People who look at the shop from now on."""
        return Visitors(self.app_url, self.store_origin, self.shop, self.notes.key)

    @property
    def database(self) -> Database:
        """The app's database, for reading what the public API does not show."""
        if self._database is None:
            self._database = Database(database_url(self.settings), pool_size=2, application_name="perennial-demo")
        return self._database

    def __enter__(self) -> Self:
        self._lock.take()
        self.notes.write(self.home)
        try:
            self._start()
        except BaseException:  # whatever happened, also Ctrl-C: nothing may stay behind
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop()

    def install(self, *, name: str, currency: str, timezone: str, country: str) -> None:
        """Opens the shop, installs Perennial in it as a browser would, and makes an API key for the members."""
        self.store.open_shop(name=name, currency=currency, timezone=timezone, country=country)
        install(self.app_url, self.store_origin, self.shop)
        self._note(key=self.perennial("api-key", "create", "--shop", self.shop).split()[-1])

    def finished(self, story: str) -> None:
        self._note(story=story)

    def perennial(self, *arguments: str) -> str:
        """Runs a command of Perennial and returns what it printed. DemoError with its output when it fails."""
        return _command(self.home, self.environ, *arguments)

    def move_clocks(self, offset: timedelta) -> None:
        """Both sides live at the same distance from the machine's time."""
        self.store.set_clock(offset)
        clock.set_offset(self.home, offset)

    def _start(self) -> None:
        home, port = str(self.home / "dev-store"), self.store_origin.rsplit(":", 1)[1]
        places = ("--home", home, "--port", port, "--app-url", self.app_url)
        store = self._child("dev-store", "dev_store", "serve", *places, "--app-config", str(APP_CONFIG), "--seed", "1")
        app = self._child("serve", "app.cli", "serve")
        store.wait_until_up(f"{self.store_origin}/_dev/shops")
        app.wait_until_up(f"{self.app_url}/readyz")

    def _child(self, name: str, *module_and_arguments: str) -> Child:
        command = [sys.executable, "-m", *module_and_arguments]
        child = Child(name, command, self.environ, self.home, self._lock.file)
        self.children.append(child)
        self._lock.note(self.children)
        return child

    def _stop(self) -> None:
        if self._database:
            self._database.dispose()
            embedded(self.home).stop_using()
        stop_all(self.children)
        self._lock.release()

    def _note(self, **changes: str) -> None:
        self.notes = replace(self.notes, **changes)
        self.notes.write(self.home)

    def _addresses(self) -> dict[str, str]:
        return {
            "SHOPIFY_API_KEY": self.notes.client_id,
            "SHOPIFY_API_SECRET": self.notes.client_secret,
            "SHOPIFY_APP_URL": self.app_url,
            "PORT": self.app_url.rsplit(":", 1)[1],
            "PERENNIAL_SHOPIFY_ORIGIN": f"{self.store_origin}/{{shop}}",
        }


def _environ(home: Path) -> dict[str, str]:
    """The environment of everything started here; what is set for another installation does not reach in."""
    foreign = {"DATABASE_URL", "HOST", "SCOPES", "SHOPIFY_API_SECRET_OLD", "PERENNIAL_ENCRYPTION_KEYS"}
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return kept | {"PERENNIAL_HOME": str(home.absolute()), "PERENNIAL_DEV": "1"}


def _command(home: Path, environ: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "app.cli", *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, cwd=home)
    if done.returncode:
        raise DemoError(f"perennial {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
