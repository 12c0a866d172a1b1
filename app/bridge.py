"""Flask behind Granian's RSGI: a WSGI application on a pool of threads, called from the server's event loop.

RSGI is what lets webhooks be answered without a thread each; everything else passes here. A request takes a thread only
when its body has arrived, so slow senders hold none. A short answer of known length is sent whole, any other piece by
piece. Not served: WSGI's `write`, which Flask never uses; upgrades and HTTP/2, which `app.web` switches off.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, Protocol

from app import bodies

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

LARGEST_UPLOAD = 32_000_000
_IN_MEMORY = 1_000_000  # of an upload; the rest waits on the disk
_SENT_WHOLE = 1_000_000
_UPLOAD_SECONDS = 60.0
_Headers = list[tuple[str, str]]


class RequestHeaders(Protocol):
    """Headers of a request, whatever the case of their names. Values that are not ASCII are absent."""

    def get(self, key: str, /) -> str | None:
        """The first value of a header."""

    def get_all(self, key: str, /) -> list[str]:
        """Every value of a header."""

    def items(self) -> list[tuple[str, str]]:
        """Names in lower case, and values."""

    def __contains__(self, key: str, /) -> bool:
        """Whether a header was sent."""


class Scope(Protocol):
    """A request without its body, as RSGI has it; addresses are `host:port`, the path is decoded."""

    @property
    def headers(self) -> RequestHeaders:
        """Its headers."""

    method: str
    scheme: str
    path: str
    query_string: str
    http_version: str
    server: str
    client: str


class Transport(Protocol):
    """An answer that has begun."""

    async def send_bytes(self, data: bytes) -> None:
        """The next piece; an error when the client has gone."""


class Exchange(Protocol):
    """A request's body and the ways to answer it, as RSGI has them."""

    async def __call__(self) -> bytes:
        """The whole body."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body piece by piece."""

    def response_empty(self, status: int, headers: _Headers) -> None:
        """Answer without a body."""

    def response_bytes(self, status: int, headers: _Headers, body: bytes) -> None:
        """Answer with a body."""

    def response_stream(self, status: int, headers: _Headers) -> Transport:
        """Begin an answer."""


class Bridge:
    """An RSGI application made of a WSGI one."""

    def __init__(self, wsgi: WSGIApplication, threads: int) -> None:
        self._wsgi = wsgi
        self._pool = ThreadPoolExecutor(threads, "web")

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request. What the WSGI application raises is Granian's to log and to answer with 500."""
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            failure = await _receive(scope, exchange, body)
            if failure is not None:
                exchange.response_empty(failure, [])
                return
            body.seek(0)
            call = _Call(asyncio.get_running_loop(), exchange)
            await call.loop.run_in_executor(self._pool, call.run, self._wsgi, _environ(scope, body))

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """The server has stopped and nobody waits for an answer any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


async def _receive(scope: Scope, exchange: Exchange, body: IO[bytes]) -> HTTPStatus | None:
    """Write the whole body to a file; the status to answer with when there is none that could be used."""
    stated = scope.headers.get("content-length")
    if stated is None and "transfer-encoding" not in scope.headers:
        return None
    try:
        async with asyncio.timeout(_UPLOAD_SECONDS):
            size = await bodies.copy(exchange, body, largest=LARGEST_UPLOAD)
    except TimeoutError:
        return HTTPStatus.REQUEST_TIMEOUT
    if size > LARGEST_UPLOAD:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    # RSGI ends the body of a sender who went away as if it were complete.
    return HTTPStatus.BAD_REQUEST if stated is not None and size != int(stated) else None


def _environ(scope: Scope, body: IO[bytes]) -> WSGIEnvironment:
    """The request as PEP 3333 has it. Of the process' own environment, which holds secrets, nothing is in it."""
    server, port = _address(scope.server)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _as_latin1(scope.path),
        "QUERY_STRING": _as_latin1(scope.query_string),
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": _address(scope.client)[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    return environ | _header_variables(scope.headers.items())


def _header_variables(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if "_" in name:
            continue  # it would pass for the name with a hyphen, which a proxy may have checked
        variable = name.upper().replace("-", "_")
        if variable not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            variable = f"HTTP_{variable}"
        separator = "; " if variable == "HTTP_COOKIE" else ","
        found[variable] = f"{found[variable]}{separator}{value}" if variable in found else value
    return found


def _address(text: str) -> tuple[str, str]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), port


def _as_latin1(text: str) -> str:
    """WSGI's strings are bytes in disguise."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


class _Call:
    """One call of the WSGI application, in a thread of the pool."""

    def __init__(self, loop: asyncio.AbstractEventLoop, exchange: Exchange) -> None:
        self.loop = loop
        self._exchange = exchange
        self._status = 0
        self._headers: _Headers = []

    def run(self, wsgi: WSGIApplication, environ: WSGIEnvironment) -> None:
        """Call it and send what it answers."""
        pieces = wsgi(environ, self._start)
        try:
            iterator = iter(pieces)
            first = next(iterator, b"")  # the application may name its status as late as here
            self._send(first, iterator)
        finally:
            close: Callable[[], None] | None = getattr(pieces, "close", None)
            if close is not None:
                close()

    def _start(self, status: str, headers: _Headers, exc_info: object = None) -> Callable[[bytes], object]:
        self._status, self._headers = int(status[:3]), headers
        return _no_write

    def _send(self, first: bytes, rest: Iterator[bytes]) -> None:
        """Granian's methods to answer may be called from any thread, what they return is awaited on the loop."""
        if self._is_short():
            self._exchange.response_bytes(self._status, self._headers, b"".join((first, *rest)))
            return
        transport = self._exchange.response_stream(self._status, self._headers)
        for piece in itertools.chain((first,), rest):
            asyncio.run_coroutine_threadsafe(_sent(transport, piece), self.loop).result()

    def _is_short(self) -> bool:
        lengths = [int(value) for name, value in self._headers if name.lower() == "content-length"]
        return bool(lengths) and lengths[0] <= _SENT_WHOLE


async def _sent(transport: Transport, piece: bytes) -> None:
    await transport.send_bytes(piece)


def _no_write(_: bytes) -> None:
    raise NotImplementedError("WSGI's write is not served; answers are iterables")
