"""Structured logs: one JSON object a line in production, readable lines in a terminal.

Every line carries what is bound (request, shop, event, job). Neither secrets nor personal data may appear: bodies and
addresses are never logged, and of an exception only its kinds and places are, because its words may quote either.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

Entry = MutableMapping[str, Any]


def configure(*, process: str) -> None:
    """Set up logging of this process; `process` is written into every line."""
    to_people = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        exception_without_words,
    ]
    renderers: list[structlog.typing.Processor] = (
        [_exception_in_lines, structlog.dev.ConsoleRenderer()] if to_people else [structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for noisy in ("procrastinate", "alembic", "urllib3", "werkzeug"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def exception_without_words(_logger: Any, _method: str, entry: Entry) -> Entry:
    """Replace an exception by its chain of kinds and the places it passed through."""
    given = entry.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        entry["exception"] = list(_chain(error))
    return entry


def _exception_in_lines(_logger: Any, _method: str, entry: Entry) -> Entry:
    """The console's renderer wants text."""
    if "exception" in entry:
        entry["exception"] = "\n".join(entry["exception"])
    return entry


def _chain(error: BaseException | None) -> list[str]:
    lines: list[str] = []
    while error is not None:
        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        lines.append(f"{type(error).__module__}.{type(error).__qualname__} at {' < '.join(reversed(places[-6:]))}")
        error = error.__cause__ or error.__context__
    return lines
