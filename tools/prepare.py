"""Makes a clone ready to run: `.venv` with the locked packages and this project, then what only npm supplies.

The Makefile runs it before everything else, with whatever Python 3.11 or newer the machine has, so it imports only the
standard library. What was done is remembered by the hash of the file that asked for it: a second run does nothing and
takes a moment, a changed lock file is noticed however the clock stands. Everything lands inside the clone.
"""

import fcntl
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import fetch_npm
from tools.terminal import CACHE, ROOT, CommandFailed, Missing, closing, run, say

VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".perennial-stamp"
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
FROM_LOCK = ("--require-hashes", "--requirement", str(LOCK))

NO_VENV = """This Python cannot make virtual environments (its modules venv and ensurepip are not installed).
  Debian, Ubuntu:  sudo apt-get install python3-venv
Then run the same command again."""


def main() -> None:
    CACHE.mkdir(exist_ok=True)
    with one_at_a_time():
        prepare_python()
        fetch_npm.prepare()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two makes in one clone (`make demo`, `make test`) wait for each other; the kernel frees a killed one's lock."""
    with (CACHE / "prepare.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def prepare_python() -> None:
    """Brings `.venv` to what the lock file says. A moved clone gets a new one, because scripts name their folder."""
    wanted = f"{digest(LOCK)} {digest(PROJECT)} {ROOT}"
    written = STAMP.read_text() if STAMP.exists() else ""
    if written == wanted and VENV_PYTHON.exists():
        return
    moved = written != "" and not written.endswith(f" {ROOT}")
    if moved or not runs(VENV_PYTHON):
        create_venv()
    install_locked()
    pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    STAMP.write_text(wanted)


def create_venv() -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Missing(NO_VENV)
    shutil.rmtree(VENV, ignore_errors=True)
    say(f"Creating .venv with Python {sys.version.split()[0]} …")
    run([sys.executable, "-m", "venv", str(VENV)])


def runs(python: Path) -> bool:
    """Whether this interpreter is there, new enough and has pip: a venv outlives the removal of its Python."""
    if not python.exists():
        return False
    check = "import sys, pip; raise SystemExit(sys.version_info < (3, 11))"
    return subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0


def install_locked() -> None:
    """Installs the lock file with uv, which is in it and takes seconds; with pip, a minute, where uv finds no way.

    uv knows nothing of pip's settings. Who has set an index of his own for pip gets pip.
    """
    blocks = re.split(r"^(?=\S)", LOCK.read_text(), flags=re.MULTILINE)[1:]
    say(f"Installing {len(blocks)} locked Python packages into .venv …")
    if ".index-url=" not in pip("config", "list"):
        with tempfile.NamedTemporaryFile("w", dir=CACHE, suffix=".txt") as only_uv:
            only_uv.write(next(block for block in blocks if block.startswith("uv==")))
            only_uv.flush()
            pip("install", "--require-hashes", "--no-deps", "--requirement", only_uv.name)
        try:
            run([str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(VENV_PYTHON), *FROM_LOCK])
            return
        except CommandFailed:
            say("uv could not reach the packages; pip fetches them now, which takes a minute or two …")
    pip("install", *FROM_LOCK)


def pip(*arguments: str) -> str:
    """Runs the pip of `.venv` and returns what it printed."""
    settled = ("--disable-pip-version-check", "--no-input", "--retries", "5")
    return run([str(VENV_PYTHON), "-m", "pip", *settled, *arguments])


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    closing(main)
