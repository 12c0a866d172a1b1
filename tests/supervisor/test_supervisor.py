"""The supervisor restarts what ends and stops everything cleanly."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.supervisor.conftest import Supervised, left_behind, wait_until

Supervise = Callable[..., Supervised]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_lets_work_in_hand_finish_and_leaves_nothing_behind(
    supervise: Supervise, number: signal.Signals
) -> None:
    supervised = supervise(web="steady", worker="steady")
    supervised.pid("web")
    supervised.pid("worker")
    time.sleep(0.2)  # until the stand-ins listen to signals
    assert supervised.stop(number) == 0
    assert supervised.finished("web")
    assert supervised.finished("worker")
    assert not left_behind(supervised.folder)


def test_a_killed_process_comes_back_and_its_neighbour_stays(supervise: Supervise) -> None:
    supervised = supervise(web="steady", worker="steady")
    web, worker = supervised.pid("web"), supervised.pid("worker")
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(supervised.pids("worker")) == 2)
    assert supervised.pids("web") == [web]


def test_a_process_that_ends_with_code_zero_unasked_comes_back_and_one_that_never_stays_up_ends_all(
    supervise: Supervise,
) -> None:
    supervised = supervise(web="steady", worker="quits")
    assert supervised.process.wait(20) == 1
    assert len(supervised.pids("worker")) == 6
    assert supervised.finished("web")


def test_what_does_not_stop_is_killed_with_its_children_after_the_time_allowed(supervise: Supervise) -> None:
    supervised = supervise(stop_seconds=0.5, web="steady", worker="stubborn")
    wait_until(lambda: len(supervised.pids("worker")) == 2)
    supervised.pid("web")
    started = time.monotonic()
    assert supervised.stop() == 0
    assert time.monotonic() - started < 5
    assert not left_behind(supervised.folder)


def test_children_of_a_killed_supervisor_finish_and_end(supervise: Supervise) -> None:
    supervised = supervise(web="watching", worker="watching")
    supervised.pid("web")
    supervised.pid("worker")
    supervised.process.kill()
    wait_until(lambda: not left_behind(supervised.folder))
    assert supervised.finished("web")
    assert supervised.finished("worker")
