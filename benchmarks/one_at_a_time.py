"""The comparison of benchmarks.webhook_processing: the inbox loop as it is, with one event a transaction.

Started as `python -m app.child benchmarks.one_at_a_time`, so that it ends with the benchmark.
"""

import os
import signal
import threading

from app import job_table, logs
from app.config import load_settings
from app.runtime import build_runtime
from webhooks.loop import InboxLoop


def main() -> None:
    """Drain the inbox until SIGTERM."""
    logs.configure(process="worker")
    runtime = build_runtime(load_settings(os.environ), pool_size=2, application_name="one at a time")
    job_table.load()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    InboxLoop(runtime, batch=1).run(stop, threading.Event(), poll_seconds=0.01)
