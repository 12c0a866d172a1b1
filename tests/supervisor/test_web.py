"""Granian under the supervisor: requests in hand finish, a stop is bounded, nothing survives its parent."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from app.config import ConfigError, Settings
from app.web import claim_port
from tests.supervisor.conftest import Supervised, left_behind, wait_until

Supervise = Callable[..., Supervised]


def _get(supervised: Supervised, path: str) -> str | None:
    try:
        return requests.get(f"http://127.0.0.1:{supervised.port}{path}", timeout=10).text
    except requests.ConnectionError:
        return None


@pytest.fixture
def web(supervise: Supervise) -> Supervised:
    """The small application, answering."""
    supervised = supervise(web="small web")
    wait_until(lambda: _get(supervised, "/pids"))
    return supervised


def _pids(web: Supervised) -> list[int]:
    return [int(pid) for pid in json.loads(_get(web, "/pids") or "[]")]


def test_a_request_in_hand_finishes_when_the_supervisor_is_stopped(web: Supervised) -> None:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(_get, web, "/slow")
        time.sleep(0.5)
        assert web.stop(signal.SIGINT) == 0
        assert answer.result() == "finished"
    assert not left_behind(web.folder)


def test_a_half_sent_request_does_not_hold_up_a_stop(web: Supervised) -> None:
    with socket.create_connection(("127.0.0.1", web.port)) as connection:
        connection.sendall(b"POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
        time.sleep(0.3)
        started = time.monotonic()
        assert web.stop() == 0
        assert time.monotonic() - started < 8
    assert not left_behind(web.folder)


@pytest.mark.parametrize("which", [0, 1])
def test_the_web_server_comes_back_when_granian_or_its_worker_is_killed(web: Supervised, which: int) -> None:
    before = _pids(web)
    os.kill(before[which], signal.SIGKILL)
    wait_until(lambda: set(_pids(web)).isdisjoint(before) and _pids(web))
    wait_until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in before))


def test_nothing_of_granian_survives_a_killed_supervisor(web: Supervised) -> None:
    web.process.kill()
    wait_until(lambda: not left_behind(web.folder))
    assert _get(web, "/pids") is None


def test_eight_requests_are_handled_at_the_same_time(web: Supervised) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _get(web, "/together"), range(8)))
    assert answers == ["together"] * 8


def test_a_second_server_on_the_same_port_is_found(web: Supervised) -> None:
    with pytest.raises(ConfigError, match="PORT"):
        claim_port(Settings(home=web.folder, port=web.port, dev=True))


def test_a_port_that_was_just_released_can_be_used(web: Supervised) -> None:
    web.stop()
    claim_port(Settings(home=web.folder, port=web.port, dev=True))
