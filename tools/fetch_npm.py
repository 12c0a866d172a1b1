"""Fetches what only npm supplies: Shopify's published Admin schema, its webhook schemas, theme-check and axe-core.

Called by `tools/prepare.py`. Two places are filled and then reused:
`.cache/shopify/admin_2026-10.json.gz`, one file taken out of a package whose other 14 MB nobody needs, held
against the checksum below; `.cache/node/node_modules`, installed from `tools/node/package-lock.json` (which names no
registry, so that any mirror serves).
No script of a package is ever run.
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
    """Brings both places up to date; raises Missing when Node, npm or the network is not there."""
    schema_there = SCHEMA.exists() and sha256(SCHEMA.read_bytes()) == SCHEMA_SHA256
    manifest = sha256((MANIFESTS / "package-lock.json").read_bytes())
    node_there = NODE_STAMP.exists() and NODE_STAMP.read_text() == manifest
    if schema_there and node_there:
        return
    require_node()
    if not schema_there:
        fetch_schema()
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


def fetch_schema() -> None:
    """Takes the one schema file out of Shopify's package; a file with another checksum is refused, never stored."""
    say("Fetching Shopify's published Admin schema through npm …")
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        npm("pack", SCHEMA_PACKAGE, "--pack-destination", folder, "--ignore-scripts", cwd=Path(folder))
        (tarball,) = Path(folder).glob("*.tgz")
        content = member(tarball.read_bytes(), SCHEMA_MEMBER)
    if sha256(content) != SCHEMA_SHA256:
        raise Missing(
            f"The file {SCHEMA_MEMBER} of {SCHEMA_PACKAGE} is not the one this version of Perennial was tested with:\n"
            f"  its SHA-256 is {sha256(content)},\n  expected       {SCHEMA_SHA256}.\n"
            "It was not stored. Look at what your npm registry or mirror delivers, then try again."
        )
    write_whole(SCHEMA, content)


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
