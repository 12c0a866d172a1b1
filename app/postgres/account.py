"""Which account of the machine runs postgres, which refuses to run as root.

Called by server.py and paths.py. Folders of others keep their modes: where root keeps the way to the home private,
postgres gets the capability to walk it instead of a chmod.
"""

from __future__ import annotations

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.postgres.errors import PostgresUnavailable

SYSTEM_ACCOUNTS = ("postgres", "nobody")
USE_YOUR_OWN = "Set DATABASE_URL to a PostgreSQL server, version 15 or later."


@dataclass(frozen=True)
class Account:
    """The owner of the cluster. `switch` tells whether we are root and have to become it."""

    uid: int
    gid: int
    switch: bool

    def make_private(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self.own(folder)

    def own(self, path: Path) -> None:
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def command(self, *words: str | Path) -> dict[str, Any]:
        """Arguments for subprocess that run `words` as this account (all of them can be written as JSON)."""
        args = [str(word) for word in words]
        if not self.switch:
            return {"args": args}
        if all(_passable(Path(word)) for word in args if word.startswith("/")):
            return {"args": args, "user": self.uid, "group": self.gid, "extra_groups": []}
        return {"args": [*_setpriv(), f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", *args]}


def _passable(path: Path) -> bool:
    """Whether anybody may walk to `path`: each folder above it lets others through."""
    return all(folder.stat().st_mode & 0o001 for folder in path.parents)


def _setpriv() -> list[str]:
    program = shutil.which("setpriv")
    if program is None:
        raise PostgresUnavailable(
            "Perennial runs as root in a folder that only root may enter, and setpriv (util-linux) is not installed.",
            f"Run it as an ordinary user, or in a folder that others may enter. {USE_YOUR_OWN}",
        )
    return [program, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def account_for(home: Path, data: Path) -> Account:
    """Who owns the cluster of this home: ourselves; for root the owner of what is there, or a system one."""
    uid = os.geteuid()
    try:
        own = pwd.getpwuid(uid)
    except KeyError as error:
        raise PostgresUnavailable(
            f"The user id {uid} has no entry in /etc/passwd, which PostgreSQL needs.", USE_YOUR_OWN
        ) from error
    if uid != 0:
        return Account(uid, own.pw_gid, switch=False)
    for path in (data, home):
        found = path.stat() if path.exists() else None
        if found is not None and found.st_uid != 0:
            return Account(found.st_uid, found.st_gid, switch=True)
    return _system_account()


def _system_account() -> Account:
    for name in SYSTEM_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise PostgresUnavailable(
        "PostgreSQL refuses to run as root, and there is no account postgres or nobody.", USE_YOUR_OWN
    )
