"""Files of lines, gzipped where their name says so: written whole or not at all, for their owner only."""

import gzip
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from app.transfer.errors import FileRefused

_GZIP = b"\x1f\x8b"
# A line is a row of a table; more is no file of ours.
_LONGEST_LINE = 16 << 20


def write(target: Path, lines: Iterable[bytes]) -> int:
    """Write a new file with mode 0600 and return its size. FileExistsError where there is one of that name."""
    if target.exists():
        raise FileExistsError(f"{target} exists already. Name a new file.")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            if target.suffix == ".gz":
                # No name and no time inside: the same lines give the same bytes.
                with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0, compresslevel=6) as zipped:
                    zipped.writelines(lines)
            else:
                file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, target)  # never replaces a file that has appeared meanwhile
    finally:
        draft.unlink(missing_ok=True)
    return target.stat().st_size


def read(source: Path) -> Iterator[bytes]:
    """The lines of a file, unzipped where it is zipped. Raises FileRefused for what cannot be read."""
    with source.open("rb") as raw:
        zipped = raw.read(2) == _GZIP
        raw.seek(0)
        file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if zipped else raw
        try:
            while line := file.readline(_LONGEST_LINE):
                if len(line) == _LONGEST_LINE:
                    raise FileRefused("A line is longer than any that an export writes.", kind="not-an-export")
                yield line
        except (OSError, EOFError) as error:
            raise FileRefused(f"The file is damaged or cut off ({error}).", kind="not-an-export") from error
