"""The web process: Granian, one worker process of its own, one event loop for webhooks and threads for pages.

`perennial web` calls `run_web`; `perennial serve` runs `python -m app.child app.web`. What must stay true: a stop lets
requests in hand finish and is bounded; a worker does not outlive Granian's main process; secrets are not part of a
request's environment.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from app import logs
from app.child import end_with
from app.config import ConfigError, Settings, load_settings

if TYPE_CHECKING:
    from app.factory import Server

THREADS = 32  # requests at the same time; the connection pool of the process is as large
CONNECTIONS = 1_024  # Granian counts kept-open connections here; what waits is bounded by the inbox and the pool
# A thread that comes back from PostgreSQL waits this long at most for one that computes, 25 times in a redemption;
# Python's own 5 ms made every tenth redemption half as slow again.
SWITCH_SECONDS = 0.0005
STOP_SECONDS = 8  # a request that is never completed must not hold up a stop


def run_web(settings: Settings) -> None:
    """Serve HTTP until SIGTERM or SIGINT. Raises ConfigError when the port is taken."""
    claim_port(settings)
    listen(load_application, settings.port, address(settings))


def main() -> None:
    """The web process of `perennial serve`, which has looked at the port already."""
    settings = load_settings(os.environ)
    listen(load_application, settings.port, address(settings))


def address(settings: Settings) -> str:
    """Development stays on this machine; production is reached by a proxy, perhaps from another container."""
    return "127.0.0.1" if settings.dev else "0.0.0.0"  # noqa: S104 - see the docstring


def claim_port(settings: Settings) -> None:
    """Find another server on the port: Granian would share it silently (SO_REUSEPORT), requests going to either."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address(settings), settings.port))
        except OSError as error:
            raise ConfigError(
                f"Port {settings.port} cannot be used ({error.strerror}). Stop the program that uses it, "
                "which may be another Perennial, or set PORT to another number."
            ) from error


def listen(load: Callable[[], Any], port: int, host: str, stop_seconds: int = STOP_SECONDS) -> None:
    """Serve the RSGI application that `load` makes, in Granian's worker process, until a signal ends it."""
    server = Granian(
        "app.web:load_application",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        workers=1,
        backpressure=CONNECTIONS,
        http=HTTPModes.http1,  # proxies speak it, and one request at a time on a connection is what bounds us
        websockets=False,
        workers_kill_timeout=stop_seconds,
        log_level=LogLevels.error,
    )
    server.serve(target_loader=load, wrap_loader=False)


def load_application() -> Server:
    """The application, built in Granian's worker process, so that connections and threads belong to it."""
    end_with(os.getppid())
    logs.configure(process="web")
    sys.setswitchinterval(SWITCH_SECONDS)
    from app.factory import Server, create_app
    from app.runtime import build_runtime

    runtime = build_runtime(load_settings(os.environ), pool_size=THREADS, application_name="perennial web")
    return Server(create_app(runtime), THREADS)
