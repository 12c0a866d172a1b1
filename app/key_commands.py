"""`perennial keys …`: the key ring and its rotation. Attached to the program by `app.cli`, which knows every column."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from app import crypto

if TYPE_CHECKING:
    from app.key_rotation import SealedColumn
    from app.runtime import Runtime


def attach(program: click.Group, runtime: Callable[[], Runtime], columns: Callable[[], Sequence[SealedColumn]]) -> None:
    """Add the commands; `columns` are the sealed columns of all features."""

    @program.group()
    def keys() -> None:
        """The keys under which tokens and webhook bodies are encrypted."""

    @keys.command()
    @click.option("--forget-old", is_flag=True, help="Remove the former keys. Earlier backups become unreadable.")
    def rotate(*, forget_old: bool) -> None:
        """Encrypt everything under a new key, while everything runs. Called again after a break it goes on."""
        rotate_all(runtime(), columns(), forget_old=forget_old)

    @keys.command()
    def status() -> None:
        """Say how many values are still encrypted under former keys."""
        from app.key_rotation import under_other_keys

        built = runtime()
        with built.database.system() as session:
            left = under_other_keys(session, columns(), built.keyring)
        click.echo(f"{left} values are encrypted under former keys." if left else "Everything is under the first key.")


def rotate_all(runtime: Runtime, columns: Sequence[SealedColumn], *, forget_old: bool) -> None:
    """Rotate, and say what was done; raises ClickException when a process still seals with a former key."""
    from app.key_rotation import seal_anew, under_other_keys, wait_for_followers

    configured = bool(runtime.settings.encryption_keys)
    file = runtime.settings.home / crypto.KEYS_FILE
    with runtime.database.system() as session:
        unfinished = under_other_keys(session, columns, runtime.keyring)
    if configured:
        click.echo("The keys come from PERENNIAL_ENCRYPTION_KEYS: its first one is used. Put a new one there first.")
    elif unfinished:
        click.echo("A rotation was not finished; it goes on.")
    else:
        crypto.write_keys(file, [os.urandom(32), *crypto.read_keys(file)])
        click.echo(f"A new key stands first in {file}. Keep a copy of that file, apart from the backups.")
        wait_for_followers()
    with click.progressbar(length=1, label="Encrypting", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def progress(done: int, of: int) -> None:
            bar.length = of
            bar.update(done - bar.pos)

        rotated = seal_anew(runtime.database, columns, runtime.keyring, progress)
    click.echo(f"{rotated.sealed_anew} values are encrypted anew.")
    if rotated.unreadable:
        click.echo(f"{rotated.unreadable} values cannot be opened and were left as they are.")
    with runtime.database.system() as session:
        left = under_other_keys(session, columns, runtime.keyring) - rotated.unreadable
    if left:
        raise click.ClickException(f"{left} values are under a former key again: restart every process, then repeat.")
    if forget_old and configured:
        click.echo("Remove the former keys from PERENNIAL_ENCRYPTION_KEYS yourself, and restart.")
    elif forget_old:
        crypto.write_keys(file, crypto.read_keys(file)[:1])
        click.echo("The former keys are gone. Backups made before this rotation cannot be read any more.")
