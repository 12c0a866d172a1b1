"""Homes in awkward places, homes of other users, and who may get in."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgres.conftest import User, answers, keeper_of, postmaster_of, processes_of, server_of, wait_until

Use = Callable[..., User]
# The interpreter itself may live where only root can walk.
WALK = ("--clear-groups", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root only: it is about running as root")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of the machine may enter."""
    folder = Path(tempfile.mkdtemp(prefix="perennial-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    wait_until(lambda: not processes_of(folder))
    shutil.rmtree(folder)


def _modes_above(path: Path) -> dict[Path, tuple[int, int]]:
    return {folder: (folder.stat().st_mode, folder.stat().st_uid) for folder in path.parents}


def test_two_checkouts_side_by_side_have_their_own_servers(tmp_path: Path, use: Use) -> None:
    users = [use(tmp_path / name / "var") for name in ("one", "two")]
    first, second = (user.line() for user in users)
    assert first != second
    users[0].end(kill=True)
    wait_until(lambda: not answers(first))
    assert answers(second)


@pytest.mark.parametrize("name", ["a space", "a,comma", "ünïcode %41+", "/".join(["deep"] * 30)])
def test_any_folder_name_will_do(tmp_path: Path, use: Use, name: str) -> None:
    user = use(tmp_path / name)
    assert answers(user.line())
    user.end()
    wait_until(lambda: not processes_of(tmp_path / name))
    again = use(tmp_path / name)
    assert answers(again.line())


def test_the_socket_of_a_deep_folder_is_private(tmp_path: Path, use: Use) -> None:
    home = tmp_path / "/".join(["deep"] * 30)
    url = use(home).line()
    folder = Path((home / "postgres/socket").read_text())
    assert str(folder).replace("/", "%2F") in url
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_folder_of_a_socket_elsewhere_goes_with_the_server(tmp_path: Path, use: Use) -> None:
    home = tmp_path / "/".join(["deep"] * 30)
    user = use(home)
    user.line()
    folder = Path((home / "postgres/socket").read_text())
    user.end()
    wait_until(lambda: not folder.exists())


def test_a_server_that_was_stopped_is_back_at_the_same_address(tmp_path: Path, use: Use) -> None:
    user = use(tmp_path / "a space")
    url = user.line()
    assert server_of(tmp_path / "a space").stop()
    assert user.use_again() == url
    assert answers(url)


def test_a_note_that_points_to_a_folder_of_somebody_else_is_not_followed(tmp_path: Path, use: Use) -> None:
    home, trap = tmp_path / "/".join(["deep"] * 30), tmp_path / "trap"
    trap.mkdir(mode=0o777)
    (home / "postgres").mkdir(parents=True)
    (home / "postgres/socket").write_text(str(trap))
    assert answers(use(home).line())
    assert not list(trap.iterdir())


@as_root
@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_root_changes_no_mode_and_no_owner_above_its_home(open_folder: Path, use: Use, mode: int) -> None:
    home = open_folder / "private" / "home"
    home.mkdir(parents=True)
    home.parent.chmod(mode)
    before = _modes_above(home)
    assert answers(use(home).line())
    assert Path(f"/proc/{postmaster_of(home)}").stat().st_uid != 0
    assert _modes_above(home / "x") == before | {home: (home.stat().st_mode, 0)}


@as_root
def test_no_other_user_of_the_machine_gets_in(open_folder: Path, use: Use) -> None:
    url = use(open_folder / "home").line()
    program = f"import psycopg; psycopg.connect({url.replace('+psycopg', '')!r})"
    stranger = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "python3", "-c", program]
    done = subprocess.run(stranger, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode != 0
    assert "denied" in done.stderr or "No module" in done.stderr
    assert answers(url)


@as_root
def test_root_in_the_home_of_a_user_runs_the_server_as_that_user(open_folder: Path, use: Use) -> None:
    nobody = pwd.getpwnam("nobody")
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    assert answers(use(home).line())
    assert Path(f"/proc/{postmaster_of(home)}").stat().st_uid == nobody.pw_uid


@as_root
def test_an_ordinary_user_needs_nothing_of_root(open_folder: Path, use: Use) -> None:
    nobody = pwd.getpwnam("nobody")
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    ids = (f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}")
    assert answers(use(home, prefix=("setpriv", *ids, *WALK)).line())


@as_root
def test_a_user_without_a_passwd_entry_is_told_to_set_database_url(open_folder: Path, use: Use) -> None:
    open_folder.chmod(0o777)
    said = use(open_folder, prefix=("setpriv", "--reuid=54321", "--regid=54321", *WALK)).line()
    assert "no entry in /etc/passwd" in said
    assert "DATABASE_URL" in said


def test_keeper_and_server_do_not_carry_our_environment(tmp_path: Path, use: Use) -> None:
    use(tmp_path).line()
    for pid in (keeper_of(tmp_path), postmaster_of(tmp_path)):
        assert b"hush" not in Path(f"/proc/{pid}/environ").read_bytes()
