"""A process that uses the embedded server of a home until its input ends; started by the tests beside it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from app.postgres.errors import PostgresUnavailable
from app.postgres.server import EmbeddedPostgres


def say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    server = EmbeddedPostgres(Path(sys.argv[1]), {"fsync": "off", "shared_buffers": "16MB"})
    try:
        say(server.start())
    except PostgresUnavailable as error:
        say(error)
    if "fork" in sys.argv and (child := os.fork()):
        say(child)
        time.sleep(600)
    for _line in sys.stdin:
        say(server.start())


if __name__ == "__main__":
    main()
