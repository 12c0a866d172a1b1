"""Finds a Chromium for the browser tests, or fetches one, and prints its path; `make browser` runs it.

Order: PERENNIAL_CHROMIUM; what was found before; a browser on PATH; Playwright's own, fetched into this clone;
Debian's package where we may install it. The answer is remembered in `.cache/chromium`; tests call `chromium()`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tools.terminal import CACHE, CommandFailed, Missing, closing, run, say

REMEMBERED = CACHE / "chromium"
PLAYWRIGHT_FOLDER = CACHE / "browsers"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
MAC_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Without these a Chromium that has just started asks its makers for updates, which a closed network refuses at length.
QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
APT = {"DEBIAN_FRONTEND": "noninteractive"}

NONE = """The browser tests need a Chromium or Chrome, and none could be found or fetched. Any of these helps:
  Debian:   sudo apt-get update && sudo apt-get install chromium
  Fedora:   sudo dnf install chromium
  macOS:    brew install --cask chromium
  a browser elsewhere:  PERENNIAL_CHROMIUM=/path/to/chrome make test
All other tests ran without it: make lint unit."""


def main() -> None:
    path = find() or fetch()
    if path is None:
        raise Missing(NONE)
    REMEMBERED.parent.mkdir(exist_ok=True)
    REMEMBERED.write_text(str(path))
    sys.stdout.write(f"{path}\n")


def chromium() -> Path:
    """The browser that `make browser` found. Raises Missing when it has not run."""
    path = named_by_environment() or remembered()
    if path is None:
        raise Missing("No browser is known yet: run `make browser` once.")
    return path


@contextmanager
def open_browser() -> Iterator[Browser]:
    """The browser that `make browser` found, without a window, for the length of a block. Raises Missing."""
    # Its sandbox does not work for root.
    arguments = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield started
        started.close()


def find() -> Path | None:
    return named_by_environment() or remembered() or installed() or playwrights_own()


def fetch() -> Path | None:
    """Tries the two ways to get a browser; what a way answered is shown only when all of them failed."""
    answers = []
    for way, result in ((fetch_with_playwright, playwrights_own), (install_debian_package, installed)):
        try:
            way()
        except (CommandFailed, subprocess.TimeoutExpired) as failed:
            answers.append(str(failed).strip().splitlines()[-1])
        if found := result():
            return found
    for answer in answers:
        say(f"  {answer}")
    return None


def named_by_environment() -> Path | None:
    name = os.environ.get("PERENNIAL_CHROMIUM")
    if not name:
        return None
    if not starts(Path(name)):
        raise Missing(f"PERENNIAL_CHROMIUM names {name}, but that does not start (`{name} --version` fails).")
    return Path(name)


def remembered() -> Path | None:
    if not REMEMBERED.exists():
        return None
    path = Path(REMEMBERED.read_text())
    return path if os.access(path, os.X_OK) else None


def installed() -> Path | None:
    candidates = [*(shutil.which(name) for name in NAMES), *MAC_APPLICATIONS]
    return next((Path(path) for path in candidates if path and starts(Path(path))), None)


def playwrights_own() -> Path | None:
    os.environ["PLAYWRIGHT_BROWSERS_PATH"] = str(PLAYWRIGHT_FOLDER)
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if starts(path) else None


def fetch_with_playwright() -> None:
    say("No Chromium on this machine; fetching Playwright's into .cache …")
    folder = {"PLAYWRIGHT_BROWSERS_PATH": str(PLAYWRIGHT_FOLDER)}
    run([sys.executable, "-m", "playwright", "install", "chromium"], environ=folder, seconds=300)


def install_debian_package() -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    say("Installing Debian's chromium package …")
    run(["apt-get", "update"], environ=APT, seconds=300)
    run(["apt-get", "install", "--yes", "--no-install-recommends", "chromium"], environ=APT, seconds=600)


def starts(path: Path) -> bool:
    """Whether it really runs: a browser that lacks a system library is there but of no use."""
    if not os.access(path, os.X_OK):
        return False
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    closing(main)
