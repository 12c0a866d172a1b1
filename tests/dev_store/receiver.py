"""A real HTTP server that plays the app's webhook address: remembers what came, answers as it is told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def webhook_id(self) -> str:
        return self.headers["X-Shopify-Webhook-Id"]


def always_fine(_: Received) -> int:
    return 200


@dataclass
class Receiver:
    """`answer` decides the status code of each request; `close_after_each` ends the connection behind every answer."""

    uri: str = ""
    got: list[Received] = field(default_factory=list)
    answer: Callable[[Received], int] = always_fine
    close_after_each: bool = False


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received = Received(dict(self.headers.items()), body)
            receiver.got.append(received)
            self.send_response(receiver.answer(received))
            self.send_header("Content-Length", "2")
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"ok")
            self.close_connection = receiver.close_after_each

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    receiver.uri = f"http://127.0.0.1:{server.server_port}/webhooks"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
