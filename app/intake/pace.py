"""Reading the next parts of a file while the database stores the one in hand: in a thread, or in processes.

A thread shares Python's one core with whoever stores; for a large file processes of their own are worth their start.
They end with the worker, however that ends, and nothing is lost with them: what they read is read again.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import islice
from multiprocessing.connection import wait
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")

PROCESSES = 2


def ahead(parts: Iterable[T], *, most: int = 1) -> Iterator[T]:
    """The same parts, made in another thread while those before them are used; never more than `most` ahead."""
    source = iter(parts)

    def following() -> list[T]:
        return list(islice(source, 1))

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        coming: deque[Future[list[T]]] = deque(thread.submit(following) for _ in range(most))
        while part := coming.popleft().result():
            coming.append(thread.submit(following))
            yield from part


def by_processes(read: Callable[[S], T], parts: Iterable[S]) -> Iterator[T]:
    """What `read` makes of each part, in their order. It is called in other processes, so it must be pure."""
    # Not forked: threads of the worker hold locks, and connections.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=fresh, initializer=_end_with_parent) as pool:
        for coming in ahead((pool.submit(read, part) for part in parts), most=PROCESSES):
            yield coming.result()


def _end_with_parent() -> None:
    """What stops a worker lets it finish what is in hand, so it says when this process ends; unless it was killed."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_watch, daemon=True, name="end-with-parent").start()


def _watch() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
