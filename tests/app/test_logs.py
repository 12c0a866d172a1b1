"""Log lines hold no words of an exception, because those may quote a person or a secret."""

import subprocess
import sys
from typing import Any

from app.logs import exception_without_words

PROGRAM = """
import logging, structlog
from app import logs
logs.configure(process="test")
structlog.contextvars.bind_contextvars(shop=4)
try:
    try:
        raise ValueError("ada@example.com")
    except ValueError as error:
        raise KeyError("shpat_secret") from error
except KeyError:
    structlog.get_logger().exception("it failed", event_id=7)
    logging.getLogger("library").exception("a library failed")
"""


def test_an_exception_is_told_by_its_kinds_and_places() -> None:
    try:
        raise ValueError("ada@example.com")
    except ValueError as error:
        entry: Any = exception_without_words(None, "error", {"event": "x", "exc_info": error})
    assert entry["exception"][0].startswith("builtins.ValueError at ")
    assert "ada" not in str(entry)


def test_lines_of_ours_and_of_libraries_are_json_with_what_is_bound_and_without_secrets() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 2
    assert all('"shop": 4' in line and '"process": "test"' in line for line in lines)
    assert '"event_id": 7' in lines[0]
    assert "builtins.KeyError" in lines[0]
    assert not any("ada@" in line or "shpat_" in line for line in lines)
