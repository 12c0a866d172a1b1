"""One POST at a time over a kept connection, with Shopify's own limits: 1 s to connect, 5 s for the whole request.

A thread of `delivery` owns one Sender. It speaks HTTP itself because only that holds the 5 seconds exactly (client
libraries count them anew for every read) and because a general client costs most of a core at 500 deliveries a second.
"""

import socket
import ssl
import time
from urllib.parse import SplitResult, urlsplit

CONNECT_SECONDS = 1.0
WHOLE_SECONDS = 5.0


class SendError(Exception):
    """No answer that counts: refused, too slow, or not HTTP."""


class Sender:
    def __init__(self, connect_seconds: float = CONNECT_SECONDS, whole_seconds: float = WHOLE_SECONDS) -> None:
        self._connect_seconds = connect_seconds
        self._whole_seconds = whole_seconds
        self._open: dict[str, socket.socket] = {}

    def post(self, uri: str, headers: dict[str, str], body: bytes) -> int:
        """The answer's status code, whatever it is (a redirect is not followed). Raises SendError."""
        deadline = time.monotonic() + self._whole_seconds
        target = urlsplit(uri)
        request = _request(target, headers, body)
        kept = self._open.pop(target.netloc, None)
        if kept:
            try:
                return self._exchange(target, kept, request, deadline)
            except (OSError, SendError):
                # The server may have closed the idle connection just now: one fresh try, inside the same 5 seconds.
                kept.close()
        try:
            return self._exchange(target, self._connect(target, deadline), request, deadline)
        except OSError as error:
            raise SendError(str(error) or type(error).__name__) from error

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def _connect(self, target: SplitResult, deadline: float) -> socket.socket:
        secure = target.scheme == "https"
        timeout = min(self._connect_seconds, _left(deadline))
        connection = socket.create_connection((target.hostname, target.port or (443 if secure else 80)), timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if secure:
            return ssl.create_default_context().wrap_socket(connection, server_hostname=target.hostname)
        return connection

    def _exchange(self, target: SplitResult, connection: socket.socket, request: bytes, deadline: float) -> int:
        try:
            connection.settimeout(_left(deadline))
            connection.sendall(request)
            status, reusable = _answer(connection, deadline)
        except BaseException:
            connection.close()
            raise
        if reusable:
            self._open[target.netloc] = connection
        else:
            connection.close()
        return status


def _request(target: SplitResult, headers: dict[str, str], body: bytes) -> bytes:
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    lines = [f"POST {path} HTTP/1.1", f"Host: {target.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def _answer(connection: socket.socket, deadline: float) -> tuple[int, bool]:
    """Status, and whether the connection can carry another request (its whole answer was read)."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection, deadline)
    head, _, rest = received.partition(b"\r\n\r\n")
    first, *fields = head.split(b"\r\n")
    words = first.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise SendError("the answer is not HTTP")
    found = {
        name.strip().lower(): value.strip().lower() for name, _, value in (field.partition(b":") for field in fields)
    }
    length = found.get(b"content-length", b"")
    if not length.isdigit() or found.get(b"connection") == b"close":
        return int(words[1]), False
    missing = int(length) - len(rest)
    while missing > 0:
        missing -= len(_more(connection, deadline))
    return int(words[1]), True


def _more(connection: socket.socket, deadline: float) -> bytes:
    connection.settimeout(_left(deadline))
    received = connection.recv(65536)
    if not received:
        raise SendError("the connection was closed before the answer was complete")
    return received


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise SendError("no answer within the time Shopify waits")
    return left
