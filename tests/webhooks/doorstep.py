"""The web process itself, without a worker, and what knocks at it: bytes on connections, well or badly formed."""

import base64
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.demo.processes import free_port
from tests.conftest import ROOT
from tests.shopify.signing import OLD_SECRET, SECRET
from webhooks.verification import sign

SHOP = "demo.myshopify.com"


@dataclass(frozen=True)
class Reply:
    """An answer of the server."""

    status: int
    headers: dict[str, str]


def request(
    raw: bytes, webhook_id: str, *, secret: str = SECRET, more: Sequence[str] = (), length: int | None = None
) -> bytes:
    """A signed delivery as it goes over the wire. `length` replaces the length of the body, -1 sends it in chunks."""
    lines = [
        "POST /webhooks HTTP/1.1",
        "Host: localhost",
        "X-Shopify-Topic: orders/create",
        f"X-Shopify-Shop-Domain: {SHOP}",
        f"X-Shopify-Webhook-Id: {webhook_id}",
        f"X-Shopify-Hmac-Sha256: {sign(raw, secret).decode()}",
        *more,
    ]
    if length == -1:
        pieces = [raw[n : n + 100_000] for n in range(0, len(raw), 100_000)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        lines.append("Transfer-Encoding: chunked")
    else:
        body = raw
        lines.append(f"Content-Length: {len(raw) if length is None else length}")
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + body


class Doorstep:
    """A running web process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send(self, sent: bytes) -> Reply:
        """One request on a connection of its own."""
        with self.connect() as connection:
            connection.sendall(sent)
            return read(connection)

    def stop(self) -> float:
        """SIGTERM; how many seconds it took."""
        started = time.monotonic()
        self.process.terminate()
        assert self.process.wait(15) == 0
        return time.monotonic() - started


def read(connection: socket.socket) -> Reply:
    """The next answer; the door's answers have no body."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        assert piece, "the connection was closed without an answer"
        head += piece
    first, *lines = head.decode().strip().split("\r\n")
    if first.split()[1] == "100":
        return read(connection)  # it only says that the body may come
    return Reply(int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines))


@contextmanager
def doorstep(home: Path, database_url: str) -> Iterator[Doorstep]:
    """A web process on this database that answers; killed at the end if it still runs."""
    port = free_port(0)
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PORT": str(port),
        "PERENNIAL_HOME": str(home),
        "PERENNIAL_DEV": "1",
        "DATABASE_URL": database_url,
        "SHOPIFY_API_SECRET": SECRET,
        "SHOPIFY_API_SECRET_OLD": OLD_SECRET,
        "PERENNIAL_ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"k" * 32).decode(),
    }
    process = subprocess.Popen([sys.executable, "-m", "app.child", "app.web"], env=environ, start_new_session=True)
    try:
        _wait_until_it_listens(process, port)
        yield Doorstep(process, port)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
