"""What may be in this repository: our own work, no registry's address, nothing of the folder beside it."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.house.source import ROOT, tracked, where
from tools.terminal import ROOT as TOOLS_ROOT

# Put together here, so that this file passes its own rule.
REGISTRY_HOSTS = [
    f"{name}.{domain}"
    for name, domain in [
        ("registry.npmjs", "org"),
        ("registry.yarnpkg", "com"),
        ("npm.pkg.github", "com"),
        ("pypi", "org"),
        ("pypi.python", "org"),
        ("files.pythonhosted", "org"),
        ("deb.debian", "org"),
        ("security.debian", "org"),
        ("archive.ubuntu", "com"),
        ("crates", "io"),
        ("proxy.golang", "org"),
    ]
]
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
MAX_BYTES = 1_000_000


def texts() -> list[tuple[Path, str]]:
    """Tracked text files; pictures and fonts are left out."""
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((path, content.decode("utf-8")))
    return found


def test_no_file_names_a_package_registry() -> None:
    """Lock files must serve with any mirror: packages are named by version and hash alone."""
    assert [(where(path), host) for path, text in texts() for host in REGISTRY_HOSTS if host in text] == []


def test_nothing_is_left_for_later() -> None:
    assert [(where(path), hit) for path, text in texts() for hit in UNFINISHED.findall(text)] == []


def test_the_npm_lock_file_records_no_addresses_but_every_checksum() -> None:
    packages = json.loads((ROOT / "tools/node/package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_every_locked_python_package_has_checksums() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert [line for line in lines if "==" in line and not line.endswith("\\")] == []


def test_no_file_is_larger_than_a_source_file_needs_to_be() -> None:
    assert [where(path) for path in tracked() if path.stat().st_size > MAX_BYTES] == []


def test_no_file_comes_from_the_shared_folder() -> None:
    """Recordings and customer data lie beside a developer's clone and must never be committed."""
    shared = ROOT.parent / "shared"
    if not shared.is_dir():
        pytest.skip("no shared folder beside this clone")
    sizes = {path.stat().st_size: path for path in shared.rglob("*") if path.is_file() and path.stat().st_size}
    suspects = [path for path in tracked() if path.stat().st_size in sizes]
    foreign = {hashlib.sha256(path.read_bytes()).digest() for path in shared.rglob("*") if path.is_file()}
    assert [where(path) for path in suspects if hashlib.sha256(path.read_bytes()).digest() in foreign] == []


def test_tools_and_tests_agree_where_the_clone_begins() -> None:
    assert TOOLS_ROOT == ROOT
