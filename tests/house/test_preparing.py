"""Preparing a clone: what make does in a folder with a space, and what it says when something is missing."""

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.house.source import ROOT
from tools import fetch_npm
from tools.terminal import Missing

TARGETS = ["demo", "test", "lint", "unit", "browser", "soak", "lock", "ready", "coverage"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the Makefile and the tools in a folder whose name a careless script would break on."""
    folder = tmp_path / "my shop's $HOME & more"
    shutil.copytree(ROOT / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", folder)
    return folder


@pytest.fixture
def path_of_fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH on which only this folder stands, with the few commands that shell scripts need."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for command in ("sh", "cat", "echo"):
        (folder / command).symlink_to(shutil.which(command) or f"/bin/{command}")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def fake(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def shell(*command: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(command), cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_readable_in_a_folder_with_a_space(clone: Path, target: str) -> None:
    done = shell("make", "-n", target, cwd=clone)
    assert done.returncode == 0, done.stderr
    assert "tools.prepare" in done.stdout


@pytest.mark.parametrize(("target", "variable"), [("contract", "RECORDINGS"), ("real-year", "FILE"), ("bench", "NAME")])
def test_targets_that_need_an_input_name_it(clone: Path, target: str, variable: str) -> None:
    assert f'"$({variable})"' in (clone / "Makefile").read_text()
    assert variable in shell("make", "help", cwd=clone).stdout


def test_the_demo_passes_its_switches_on(clone: Path) -> None:
    assert "app.demo --fresh --once" in shell("make", "-n", "demo", "FRESH=1", "ONCE=1", cwd=clone).stdout


def test_an_old_python_is_named_together_with_the_way_to_a_newer_one(clone: Path, path_of_fakes: Path) -> None:
    fake(path_of_fakes, "python3", 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    done = shell("sh", "tools/python.sh", "-c", "pass", cwd=clone, PYTHON="")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; on PATH there is: Python 3.9.2" in done.stderr
    assert "apt-get install python3" in done.stderr


@pytest.mark.usefixtures("path_of_fakes")
def test_a_machine_without_node_is_told_how_to_get_it() -> None:
    with pytest.raises(Missing, match=r"Node\.js 20 or newer with npm; there is: no node"):
        fetch_npm.require_node()


def test_an_old_node_is_named(path_of_fakes: Path) -> None:
    fake(path_of_fakes, "node", "echo v18.20.4")
    with pytest.raises(Missing, match=r"there is: v18\.20\.4"):
        fetch_npm.require_node()


def test_node_without_npm_is_not_enough(path_of_fakes: Path) -> None:
    fake(path_of_fakes, "node", "echo v22.1.0")
    with pytest.raises(Missing, match=r"v22\.1\.0 without npm"):
        fetch_npm.require_node()


def test_a_schema_with_another_checksum_is_refused_and_not_stored(
    path_of_fakes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tarball = tmp_path / "delivered.tgz"
    with tarfile.open(tarball, "w:gz") as archive:
        content = b"another schema"
        entry = tarfile.TarInfo(fetch_npm.SCHEMA_MEMBER)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    (path_of_fakes / "cp").symlink_to(shutil.which("cp", path="/bin:/usr/bin") or "/bin/cp")
    fake(path_of_fakes, "npm", f'cp "{tarball}" ./package.tgz')
    monkeypatch.setattr(fetch_npm, "SCHEMA", tmp_path / "stored" / "schema.gz")

    with pytest.raises(Missing, match="not the one this version of Perennial was tested with"):
        fetch_npm.fetch_schema()
    assert not fetch_npm.SCHEMA.exists()


def test_a_fault_of_the_network_is_tried_again(
    path_of_fakes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(
        path_of_fakes, "npm", "if [ -e second ]; then exit 0; fi; echo > second; echo npm error code ECONNRESET; exit 1"
    )
    monkeypatch.setattr(fetch_npm, "PAUSES", (0,))
    fetch_npm.npm("ci", cwd=tmp_path)
    assert (tmp_path / "second").exists()


def test_a_package_that_is_not_there_is_said_at_once(
    path_of_fakes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(path_of_fakes, "npm", "echo called >> calls; echo npm error code E404; exit 1")
    monkeypatch.setattr(fetch_npm, "PAUSES", (0, 0))
    with pytest.raises(Missing, match="npm error code E404"):
        fetch_npm.npm("ci", cwd=tmp_path)
    assert (tmp_path / "calls").read_text() == "called\n"
