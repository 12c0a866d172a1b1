"""The load generator: signed requests over keep-alive connections, from a process of its own.

Raw sockets and one epoll, nothing parsed but status and length, every request rendered and signed before the clock
starts: what it costs the processor is measured and stated with every figure.
"""

import itertools
import multiprocessing
import select
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_BROKEN = 0  # stands for the status of a request whose connection was lost
_PATIENCE = 15.0  # seconds without any answer after which a run is given up


@dataclass(frozen=True)
class Load:
    """What to send. `rate` a second, or as fast as answers come; `seconds` bounds the sending, not the answers."""

    port: int
    requests: Iterable[bytes]
    connections: int = 64
    rate: float | None = None
    seconds: float | None = None


@dataclass
class Answers:
    """What came back. Latencies run from the instant a request was due, so a slow server cannot hide its queue."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    processor_seconds: float = 0.0

    @property
    def failures(self) -> int:
        return self.statuses.total() - self.statuses[200]

    @property
    def per_second(self) -> float:
        return self.statuses[200] / self.seconds if self.seconds else 0.0

    @property
    def generator_cores(self) -> float:
        return self.processor_seconds / self.seconds if self.seconds else 0.0


class Connection:
    """A keep-alive connection with at most one request in flight."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self.received = b""

    def send(self, request: bytes, due: float) -> None:
        self.due, self.received = due, b""
        self.socket.sendall(request)

    def read(self) -> int | None:
        """The status once the whole answer has come, else None."""
        data = self.socket.recv(65536)
        if not data:
            return _BROKEN
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return None
        return int(head[9:12])

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and wait for its answer: status and body."""
        self.send(request, 0.0)
        while (status := self.read()) is None:
            pass
        return status, self.received.partition(b"\r\n\r\n")[2]


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


class _Generator:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._requests = iter(load.requests)
        self._poll = select.epoll()
        self._busy: dict[int, Connection] = {}
        self._idle: list[Connection] = []
        self._answers = Answers()
        self._last_answer = 0.0

    def run(self) -> Answers:
        self._idle = [self._connect() for _ in range(self._load.connections)]
        began, processor = time.monotonic(), time.process_time()
        self._last_answer = began
        schedule = self._schedule(began)
        due = next(schedule, None)
        while due is not None or self._busy:
            while due is not None and self._idle and due <= time.monotonic():
                due = self._send(due, schedule)
            if due is not None or self._busy:
                self._receive(due)
        self._answers.seconds = time.monotonic() - began
        self._answers.processor_seconds = time.process_time() - processor
        return self._answers

    def _schedule(self, began: float) -> Iterator[float]:
        """When the next request is due; without a rate that is as soon as a connection is free."""
        for n in itertools.count():
            due = time.monotonic() if self._load.rate is None else began + n / self._load.rate
            if self._load.seconds is not None and due - began >= self._load.seconds:
                return
            yield due

    def _send(self, due: float, schedule: Iterator[float]) -> float | None:
        request = next(self._requests, None)
        if request is None:
            return None
        connection = self._idle.pop()
        connection.send(request, time.monotonic() if self._load.rate is None else due)
        self._busy[connection.socket.fileno()] = connection
        return next(schedule, None)

    def _receive(self, due: float | None) -> None:
        patience = max(self._last_answer + _PATIENCE - time.monotonic(), 0.0)
        if due is not None and self._idle:
            patience = min(patience, max(due - time.monotonic(), 0.0))
        for number, _ in self._poll.poll(patience):
            if number in self._busy:
                self._take(self._busy[number], number)
            else:
                self._renew(next(each for each in self._idle if each.socket.fileno() == number))
        if self._busy and time.monotonic() > self._last_answer + _PATIENCE:
            raise TimeoutError(f"{len(self._busy)} requests without an answer for {_PATIENCE:.0f} s")

    def _take(self, connection: Connection, number: int) -> None:
        try:
            status = connection.read()
        except OSError:
            status = _BROKEN
        if status is None:
            return
        self._answers.statuses[status] += 1
        self._last_answer = time.monotonic()
        self._answers.latencies.append(self._last_answer - connection.due)
        del self._busy[number]
        self._idle.append(connection)
        if status == _BROKEN:
            self._renew(connection)

    def _renew(self, connection: Connection) -> None:
        """Replace an idle connection that the server has closed."""
        self._idle.remove(connection)
        self._poll.unregister(connection.socket)
        connection.socket.close()
        self._idle.append(self._connect())

    def _connect(self) -> Connection:
        connection = Connection(self._load.port)
        self._poll.register(connection.socket, select.EPOLLIN)
        return connection


class Generator:
    """A load in a process of its own, forked, so that prepared requests need no copying."""

    def __init__(self, load: Load) -> None:
        fork = multiprocessing.get_context("fork")
        self._theirs, self._ours = fork.Pipe()
        self._process = fork.Process(target=_work, args=(load, self._theirs), daemon=True)
        self._process.start()
        self._theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def answers(self) -> Answers:
        """Wait for the end. RuntimeError when the generator failed."""
        try:
            found = self._ours.recv()
        except EOFError:
            found = "it was killed"
        self._process.join()
        if not isinstance(found, Answers):
            raise RuntimeError(f"the load generator gave up: {found}")
        return found


def _work(load: Load, pipe: "multiprocessing.connection.Connection") -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        pipe.send(_Generator(load).run())
    except OSError as error:
        pipe.send(repr(error))


def run(load: Load) -> Answers:
    """Send a load and wait for its end."""
    return Generator(load).answers()
