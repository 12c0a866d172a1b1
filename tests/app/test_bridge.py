"""Flask behind RSGI answers as it would behind any WSGI server: over real HTTP, by the real server."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from app.bridge import LARGEST_UPLOAD
from app.demo.processes import free_port
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where the pages are served, for all tests of this file."""
    port = free_port(0)
    environ = {**os.environ, "PORT": str(port), "PAGES_SECRET": "kept-in-the-environment", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-m", "tests.app.bridge_pages"], env=environ, start_new_session=True)
    deadline = time.monotonic() + 20
    while not _listens(port):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield port
    process.terminate()
    try:
        assert process.wait(10) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def web(port: int) -> Iterator[Web]:
    with requests.Session() as session:
        session.trust_env = False
        yield Web(session, port)


class Web:
    """Requests to the pages."""

    def __init__(self, session: requests.Session, port: int) -> None:
        self._session = session
        self.port = port

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        return self._session.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=20, **more)

    def raw(self, request: bytes) -> bytes:
        """The whole answer to bytes on a connection of their own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_request_arrives_as_it_was_sent(web: Web) -> None:
    headers = {"X-Odd": "1", "Cookie": "a=1; b=2"}
    told = web("PUT", "/echo/größe/%2F?b=1&a=%C3%A9&b=2", data=b"body", headers=headers).json()
    assert told["method"] == "PUT"
    assert told["path"] == "größe//"
    assert told["query"] == {"b": ["1", "2"], "a": ["é"]}
    assert told["headers"]["X-Odd"] == ["1"]
    assert told["headers"]["Host"] == [f"127.0.0.1:{web.port}"]
    assert told["cookies"] == {"a": "1", "b": "2"}
    assert (told["length"], told["sha256"]) == (4, hashlib.sha256(b"body").hexdigest())
    assert told["remote"] == "127.0.0.1"
    assert told["url"].startswith(f"http://127.0.0.1:{web.port}/echo/")


def test_the_environment_of_the_process_is_not_part_of_a_request(web: Web) -> None:
    assert web("GET", "/echo/").status_code == 404
    assert web("GET", "/echo/x").json()["secrets"] == []


def test_a_repeated_header_is_joined_and_an_underscore_cannot_pass_for_a_hyphen(web: Web) -> None:
    head = b"GET /echo/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
    answer = web.raw(head + b"X-Two: 1\r\nX-Two: 2\r\nCookie: a=1\r\nCookie: b=2\r\nX_Forwarded_For: spoofed\r\n\r\n")
    assert b'"X-Two":["1,2"]' in answer
    assert b'"cookies":{"a":"1","b":"2"}' in answer
    assert b"spoofed" not in answer


def test_an_upload_arrives_whole(web: Web) -> None:
    for size in (10, 3_000_000):
        told = web("POST", "/upload", files={"file": ("a.csv", b"x" * size)}, data={"note": "ü"}).json()
        assert told == {"name": "a.csv", "size": size, "note": "ü"}


def test_a_body_without_a_stated_length_arrives_whole(web: Web) -> None:
    pieces = [b"one", b"two" * 100_000, b"three"]
    told = web("POST", "/echo/x", data=iter(pieces)).json()
    assert told["sha256"] == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_an_upload_that_is_too_large_is_refused_whether_or_not_it_says_so(web: Web) -> None:
    raw = b"x" * (LARGEST_UPLOAD + 1)
    assert web("POST", "/echo/x", data=raw).status_code == 413
    assert web("POST", "/echo/x", data=iter([raw])).status_code == 413
    assert web("POST", "/echo/x", data=raw[1:]).status_code == 200


def test_cookies_and_redirects_go_out_one_header_each(web: Web) -> None:
    answer = web("GET", "/cookies", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/echo/after?x=1")
    assert sorted(answer.raw.headers.getlist("Set-Cookie")) == ["one=1; HttpOnly; Path=/", "two=2; Path=/"]
    assert web("GET", "/cookies").json()["cookies"] == {"one": "1", "two": "2"}


@pytest.mark.parametrize("size", [0, 1, 999_999, 1_000_001, 20_000_000])
def test_answers_of_any_size_arrive_whole(web: Web, size: int) -> None:
    answer = web("GET", f"/bytes/{size}")
    assert (answer.headers["Content-Length"], len(answer.content)) == (str(size), size)


def test_head_is_answered_like_get_without_the_body(web: Web) -> None:
    answer = web("HEAD", "/bytes/1234")
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "1234", b"")
    assert web("GET", "/bytes/4").text == "xxxx"  # on the same connection


def test_an_answer_of_unknown_length_comes_piece_by_piece(web: Web) -> None:
    answer = web("GET", "/stream/30", stream=True)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.text == "".join(f"{number}\n" * 1_000 for number in range(30))


def test_an_answer_whose_client_has_gone_is_closed(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port)) as connection:
        connection.sendall(b"GET /stream/100000 HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.recv(1_000)
    assert web("GET", "/closed").json() == {"closed": True}


def test_answers_without_a_body_and_errors(web: Web) -> None:
    nothing = web("GET", "/nothing")
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert "Transfer-Encoding" not in nothing.headers
    assert web("GET", "/error").status_code == 500
    assert web("GET", "/nowhere").status_code == 404
    assert web("DELETE", "/nothing").status_code == 405
    assert web("GET", "/raises").status_code == 500


def test_a_status_that_is_named_late_counts(web: Web) -> None:
    answer = web("GET", "/late")
    assert (answer.status_code, answer.headers["X-Late"], answer.text) == (201, "yes", "late")


def test_requests_on_one_connection_are_answered_in_their_order(web: Web) -> None:
    one = b"GET /bytes/1 HTTP/1.1\r\nHost: h\r\n\r\n"
    last = b"GET /bytes/2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answers = web.raw(one + one + last)
    assert answers.count(b"HTTP/1.1 200") == 3
    assert answers.endswith(b"\r\n\r\nxx")


def test_a_sender_who_gives_up_costs_nothing(web: Web) -> None:
    for _ in range(20):  # more than there are threads
        with socket.create_connection(("127.0.0.1", web.port)) as connection:
            connection.sendall(b"POST /echo/x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")
    slow = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(20)]
    for connection in slow:
        connection.sendall(b"POST /echo/x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")
    with ThreadPoolExecutor(8) as threads:
        assert {answer.status_code for answer in threads.map(lambda _: web("GET", "/bytes/1"), range(16))} == {200}
    for connection in slow:
        connection.close()
