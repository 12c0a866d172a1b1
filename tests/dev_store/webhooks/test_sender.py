"""The sender's own limits, against servers that are slow, closed, or no HTTP at all."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dev_store.webhooks.sender import Sender, SendError
from tests.dev_store.receiver import receiving

Talk = Callable[[socket.socket], None]


@contextmanager
def speaking(talk: Talk) -> Iterator[str]:
    """A server that accepts one connection, lets `talk` do what it wants with it, and is gone."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/webhooks"
        thread.join()


def test_the_limit_holds_for_the_whole_answer_not_for_each_piece_of_it() -> None:
    def drip(connection: socket.socket) -> None:
        for piece in b"HTTP/1.1 200 OK":
            try:
                connection.sendall(bytes([piece]))
            except OSError:
                return
            time.sleep(0.05)

    started = time.monotonic()
    with speaking(drip) as uri, pytest.raises(SendError, match=r"within the time|timed out"):
        Sender(whole_seconds=0.3).post(uri, {}, b"{}")
    assert time.monotonic() - started < 2


def test_an_answer_that_is_not_http_is_a_failure() -> None:
    with speaking(lambda connection: connection.sendall(b"hello\r\n\r\n")) as uri, pytest.raises(SendError):
        Sender().post(uri, {}, b"{}")


def test_an_answer_that_breaks_off_is_a_failure() -> None:
    with speaking(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nConte")) as uri, pytest.raises(SendError):
        Sender().post(uri, {}, b"{}")


def test_a_chunked_answer_counts_by_its_status() -> None:
    answer = b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    with speaking(lambda connection: connection.sendall(answer)) as uri:
        assert Sender().post(uri, {}, b"{}") == 202


def test_nobody_listening_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SendError):
        Sender().post(f"http://127.0.0.1:{port}/webhooks", {}, b"{}")


@pytest.mark.parametrize("closes", [True, False])
def test_connections_are_kept_and_a_closed_one_is_replaced(closes: bool) -> None:
    with receiving() as receiver:
        receiver.close_after_each = closes
        sender = Sender()
        assert [sender.post(receiver.uri, {}, b"{}") for _ in range(3)] == [200, 200, 200]
        assert len(receiver.got) == 3
        sender.close()
