"""The installation that is measured: a home of its own, durable PostgreSQL, web and worker as `serve` starts them.

What must stay true: whatever ends the block, Ctrl-C and SIGTERM included, its processes end and its folder goes, unless
it is one to keep; when the benchmark itself is killed, its children notice and end (`app/child.py`). Only this machine
can reach them, which is what development mode is switched on for.
"""

import fcntl
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Self

from sqlalchemy import text

from app import clock
from app.api.keys import create_key
from app.child import SUPERVISOR
from app.config import load_settings
from app.demo.processes import Child, free_port, stop_all
from app.loyalty import programs
from app.migrations.run import migrate
from app.postgres import embedded
from app.runtime import Runtime, build_runtime
from app.shops.models import Shop
from app.shops.queries import shop_by_domain
from app.shops.secrets import seal

ROOT = Path(__file__).resolve().parents[1]
HOMES = ROOT / ".cache" / "benchmarks"
SECRET = "benchmark-secret"


class World:
    """A home with `shops` installed shops, for the length of a `with` block. Processes are started by need.

    With `kept` the home is called `name`, is there again the next time, and is used by one benchmark at a time.
    """

    def __init__(self, name: str, shops: int = 4, *, kept: bool = False) -> None:
        self.kept = kept
        self.home = HOMES / (name if kept else f"{name}-{os.getpid()}")
        self.domains = [f"bench-{n}.myshopify.com" for n in range(1, shops + 1)]
        self.shop_ids: dict[str, int] = {}
        self.environ = _environ(self.home)
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        signal.signal(signal.SIGTERM, _as_interrupt)
        self.home.mkdir(parents=True, exist_ok=self.kept)
        self._lock = (self.home / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        shutil.rmtree(self.home / "metrics", ignore_errors=True)
        (self.home / "metrics").mkdir()
        try:
            self.runtime = self._build()
        except BaseException:  # whatever happened, also Ctrl-C: nothing may stay behind
            self._clear()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def web(self, module: str = "app.web") -> tuple[Child, int]:
        """Start a web process and wait until it answers; returns it with its port."""
        port = free_port(0)
        return self.start("web", ["-m", "app.child", module], {"PORT": str(port)}, up=port), port

    def worker(self, module: str = "app.worker") -> Child:
        """Start a worker process."""
        return self.start("worker", ["-m", "app.child", module])

    def start(
        self, name: str, arguments: list[str], environ: dict[str, str] | None = None, *, up: int = 0, program: str = ""
    ) -> Child:
        """Start a process of this world; with `up` wait until it answers on that port."""
        command = [program or sys.executable, *arguments]
        child = Child(name, command, {**self.environ, **(environ or {})}, self.home, self._lock)
        self._children.append(child)
        if up:
            child.wait_until_up(f"http://127.0.0.1:{up}/healthz")
        return child

    def stop(self, *children: Child) -> None:
        """End processes of this world."""
        stop_all(children)
        self._children = [child for child in self._children if child not in children]

    def stop_everything(self) -> None:
        """End all processes of this world; PostgreSQL stays."""
        self.stop(*self._children)

    def api_key(self, domain: str) -> str:
        """A new key of a shop's API."""
        shop_id = self.shop_ids[domain]
        with self.runtime.database.shop(shop_id) as session:
            return create_key(session, shop_id, "benchmark")

    @property
    def postmaster(self) -> int:
        """The process id of PostgreSQL's eldest."""
        pid_file = embedded(self.home).layout.data / "postmaster.pid"
        return int(pid_file.read_text().split("\n", 1)[0])

    def pending(self) -> bool:
        """Whether any event waits for the loop."""
        with self.runtime.database.system() as session:
            return bool(session.scalar(text("select exists (select from inbox_events where state = 'pending')")))

    def wait_until_done(self, seconds: float) -> None:
        """Return when no event waits any more; TimeoutError after `seconds`."""
        deadline = time.monotonic() + seconds
        while self.pending():
            if time.monotonic() > deadline:
                raise TimeoutError(f"events still wait after {seconds:.0f} s")
            time.sleep(0.02)

    def count(self, state: str) -> int:
        """How many events have this state."""
        with self.runtime.database.system() as session:
            found = session.scalar(text("select count(*) from inbox_events where state = :state"), {"state": state})
        return int(found or 0)

    def points(self) -> int:
        """How many points all accounts hold together."""
        with self.runtime.database.system() as session:
            return int(session.scalar(text("select coalesce(sum(points), 0) from ledger_entries")) or 0)

    def _build(self) -> Runtime:
        runtime = build_runtime(load_settings(self.environ), pool_size=2, application_name="benchmark")
        migrate(runtime.database.engine)
        self.shop_ids = {domain: _make_shop(runtime, domain) for domain in self.domains}
        return runtime

    def _clear(self) -> None:
        stop_all(self._children)
        if "runtime" in self.__dict__:
            self.runtime.database.dispose()
        embedded(self.home).leave()
        self._lock.close()
        if not self.kept:
            shutil.rmtree(self.home)
        with suppress(OSError):
            HOMES.rmdir()


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _environ(home: Path) -> dict[str, str]:
    """The environment of the processes: nothing of another installation reaches in."""
    foreign = {"DATABASE_URL", "HOST", "SCOPES", "SHOPIFY_API_SECRET_OLD", "PERENNIAL_ENCRYPTION_KEYS"}
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return kept | {
        "PERENNIAL_HOME": str(home),
        "PERENNIAL_DEV": "1",
        "PERENNIAL_SHOPIFY_ORIGIN": "http://127.0.0.1:9/{shop}",
        "PROMETHEUS_MULTIPROC_DIR": str(home / "metrics"),
        "SHOPIFY_API_KEY": "benchmark-key",
        "SHOPIFY_API_SECRET": SECRET,
        "SHOPIFY_APP_URL": "http://127.0.0.1:3000",
        SUPERVISOR: str(os.getpid()),
    }


def _make_shop(runtime: Runtime, domain: str) -> int:
    """An installed shop with the default program, as after its first open; a kept world has it already."""
    now = clock.now()
    with runtime.database.system() as session:
        known = shop_by_domain(session, domain)
        if known is not None:
            return known.id
        shop = Shop(domain=domain, name="Benchmark", state="installed", code_key=b"", installed_at=now, created_at=now)
        session.add(shop)
        session.flush()
        shop.code_key = seal(runtime.keyring, shop.id, "code_key", os.urandom(32))
        programs.create_default(session, shop)
        return shop.id
