"""The worker process: the inbox loops, the jobs, the heartbeat, and the sweeper of lost jobs.

`perennial worker`, or `serve` through `app.child`. On SIGTERM what is in hand finishes: the loops their batches, the
jobs their work; then the process ends.
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import procrastinate
import psycopg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from app import job_table, jobs, logs, processes
from app.config import load_settings
from app.postgres import conninfo
from app.runtime import Runtime, build_runtime
from webhooks.claim import release_frozen
from webhooks.inbox import CHANNEL
from webhooks.loop import InboxLoop

log = structlog.get_logger()

JOBS_AT_ONCE = 4
# While one waits for PostgreSQL the other reads and counts: together they fill a core that one leaves idle by a third.
INBOX_LOOPS = 2
_POOL = 12
_PAUSE = 1.0


def main() -> None:
    """Run a worker until SIGTERM or SIGINT."""
    settings = load_settings(os.environ)
    logs.configure(process="worker")
    runtime = build_runtime(settings, pool_size=_POOL, application_name="perennial worker")
    run(runtime)


def run(runtime: Runtime) -> None:
    """Work until told to stop."""
    job_table.load()
    stop = threading.Event()
    wakes = [threading.Event() for _ in range(INBOX_LOOPS)]

    def finish(*_: object) -> None:
        stop.set()
        _set_all(wakes)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, finish)
    threads = [
        *(threading.Thread(target=InboxLoop(runtime).run, args=(stop, wake), name="inbox") for wake in wakes),
        threading.Thread(target=_listen, args=(runtime, stop, wakes), name="listen"),
        threading.Thread(target=_beat, args=(runtime, stop), name="heartbeat"),
    ]
    for thread in threads:
        thread.start()
    log.info("worker started")
    try:
        _run_jobs(runtime, stop)
    finally:
        # Without its jobs a worker must not look alive: the supervisor starts another.
        finish()
        for thread in threads:
            thread.join()
    log.info("worker stopped")


def _run_jobs(runtime: Runtime, stop: threading.Event) -> None:
    """Keep a Procrastinate worker going; a restart of the database can end one without an error."""
    while not stop.is_set():
        try:
            asyncio.run(_work(runtime, stop))
        except (psycopg.Error, procrastinate.exceptions.ConnectorException) as error:
            log.warning("jobs wait for the database", error=type(error).__name__)
            stop.wait(_PAUSE)


async def _work(runtime: Runtime, stop: threading.Event) -> None:
    connector = procrastinate.PsycopgConnector(
        conninfo=conninfo(runtime.database.engine.url), min_size=1, max_size=JOBS_AT_ONCE + 2
    )
    carrier = jobs.build_app(runtime, connector)
    async with carrier.open_async():
        worker = asyncio.create_task(
            carrier.run_worker_async(
                concurrency=JOBS_AT_ONCE,
                install_signal_handlers=False,
                delete_jobs="successful",
                fetch_job_polling_interval=1.0,
                shutdown_graceful_timeout=15,
            )
        )
        while not stop.is_set() and not worker.done():
            await asyncio.sleep(0.1)
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


def _set_all(events: Iterable[threading.Event]) -> None:
    for event in events:
        event.set()


def _listen(runtime: Runtime, stop: threading.Event, wakes: Sequence[threading.Event]) -> None:
    """Wake the inbox loops when a door says that something has arrived."""
    address = conninfo(runtime.database.engine.url)
    while not stop.is_set():
        try:
            with psycopg.connect(address, autocommit=True, application_name="perennial listen") as connection:
                connection.execute(f"listen {CHANNEL}")
                while not stop.is_set():
                    for _ in connection.notifies(timeout=0.5, stop_after=1):
                        _set_all(wakes)
        except psycopg.Error:
            stop.wait(_PAUSE)


def _beat(runtime: Runtime, stop: threading.Event) -> None:
    """Say every two seconds that this worker lives; free what frozen ones hold, and every ten put back lost jobs."""
    name = processes.own_name()
    next_rescue = time.monotonic()
    while True:
        _attempt(runtime, lambda session: processes.beat(session, name))
        _attempt(runtime, release_frozen)
        if time.monotonic() >= next_rescue:
            next_rescue = time.monotonic() + processes.SILENT_AFTER.total_seconds()
            _attempt(runtime, jobs.rescue_lost)
        if stop.wait(processes.BEAT_EVERY.total_seconds()):
            break
    _attempt(runtime, lambda session: processes.gone(session, name))


def _attempt(runtime: Runtime, duty: Callable[[Session], object]) -> None:
    """Do a duty in a transaction of its own, so that one that fails leaves the others done."""
    try:
        with runtime.database.system() as session:
            duty(session)
    except (DBAPIError, PoolTimeout) as error:
        log.warning("a duty of the worker failed", error=type(error).__name__)


if __name__ == "__main__":
    main()
