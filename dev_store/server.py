"""Serves the development store: a threaded WSGI server on the loopback interface, and the webhook senders beside it.

Werkzeug's server is enough here: kept connections and a thread each, in the one process that also holds the queue.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from dev_store.store import DevStore


class _Handler(WSGIRequestHandler):
    """Keeps connections open and answers without waiting for the other side's acknowledgements; writes no log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (werkzeug's own name)
        if type == "error" and "timed out" not in message:
            super().log(type, message, *args)


def make_dev_server(app: Flask) -> BaseWSGIServer:
    """Bound to the config's host and port (0 picks a free one: `server.server_port`). OSError when it is taken."""
    config = _store(app).config
    return make_server(config.host, config.port, app, threaded=True, request_handler=_Handler)


def serve(app: Flask) -> None:
    """Serves until SIGTERM or Ctrl-C; what is not delivered by then waits in the state for the next start."""
    server, store = make_dev_server(app), _store(app)

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    store.delivery.start()
    try:
        server.serve_forever()
    finally:
        server.server_close()
        close(store)


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The store at work on a port of its own, for tests: yields its address without a trailing slash."""
    server, store = make_dev_server(app), _store(app)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    store.delivery.start()
    try:
        yield f"http://{store.config.host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        close(store)


def close(store: DevStore) -> None:
    store.delivery.stop()
    store.state.close()


def _store(app: Flask) -> DevStore:
    store: DevStore = app.extensions["dev_store"]
    return store
