"""Shopify's own Node library behind express, made ready and started: see `node/rival.js`.

Its packages come through npm from `node/package-lock.json`, which names no registry; no script of a package is run.
"""

import shutil
from pathlib import Path

from sqlalchemy import text

from app.demo.processes import Child, free_port
from benchmarks.world import ROOT, SECRET, World
from tools.fetch_npm import npm, require_node, sha256, write_whole

SOURCE = Path(__file__).parent / "node"
PLACE = ROOT / ".cache" / "benchmarks-node"
_STAMP = PLACE / ".stamp"
POOL = 20  # connections to the database

# What the library tells its handler, and the natural key; the body as it came.
_TABLE = """
create table if not exists rival_events (
    shop text, topic text, webhook_id text, api_version text, body text, received_at timestamptz default now(),
    primary key (shop, topic, webhook_id))
"""


def prepare() -> None:
    """Install the packages unless they are there. Raises tools.terminal.Missing without Node, npm or network."""
    wanted = sha256((SOURCE / "package-lock.json").read_bytes())
    PLACE.mkdir(parents=True, exist_ok=True)
    if not _STAMP.exists() or _STAMP.read_text() != wanted:
        require_node()
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(SOURCE / name, PLACE / name)
        npm("ci", "--ignore-scripts", cwd=PLACE)
        write_whole(_STAMP, wanted.encode())
    shutil.copyfile(SOURCE / "rival.js", PLACE / "rival.js")


def start(world: World, *, store: bool) -> tuple[Child, int]:
    """Start one Node process on the world's database and wait until it answers; returns it with its port."""
    with world.runtime.database.system() as session:
        session.execute(text(_TABLE))
    address, port = world.runtime.database.engine.url, free_port(0)
    environ = {
        "NODE_ENV": "production",
        "PORT": str(port),
        "STORE": "postgres" if store else "none",
        "POOL": str(POOL),
        "API_KEY": "benchmark-key",
        "API_SECRET": SECRET,
        "DATABASE_SOCKET": str(address.query["host"]),
        "DATABASE_PORT": str(address.query["port"]),
        "DATABASE_USER": address.username or "",
        "DATABASE_NAME": address.database or "",
    }
    return world.start("rival", [str(PLACE / "rival.js")], environ, up=port, program="node"), port


def stored(world: World) -> int:
    """How many events the rival has made durable."""
    with world.runtime.database.system() as session:
        return int(session.scalar(text("select count(*) from rival_events")) or 0)
