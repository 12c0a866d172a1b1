"""A web or worker process of a fleet: the product's own, with topics that do to it what machines do to processes.

`python -m tests.crash.process web|worker`. The topics come last in the table, so that the effects of a batch are in the
transaction already when one of them strikes. FAULTS names the folder that remembers which has struck.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app import web, worker
from app.child import end_with
from webhooks.handlers import compliance
from webhooks.topics import Effects, Event, Topic


def _strike(once: str | None, act: Callable[[], None]) -> Callable[[Session, Sequence[Any]], Effects]:
    def apply(session: Session, events: Sequence[Any]) -> Effects:
        struck = Path(os.environ["FAULTS"]) / (once or "never")
        if not struck.exists():
            if once:
                struck.write_text(str(os.getpid()))
            act()
        return Effects()

    return apply


def _whole(event: Event) -> Event:
    return event


FATAL, KILLED, FROZEN = "test/fatal", "test/killed", "test/frozen"


def topics() -> tuple[Topic, ...]:
    """One that ends its worker whenever it is handled, two that kill or freeze it once."""
    return (
        Topic(FATAL, _whole, _strike(None, lambda: os._exit(1))),
        Topic(KILLED, _whole, _strike("killed", lambda: os.kill(os.getpid(), signal.SIGKILL))),
        Topic(FROZEN, _whole, _strike("frozen", lambda: os.kill(os.getpid(), signal.SIGSTOP))),
    )


if __name__ == "__main__":
    compliance.TOPICS += topics()
    end_with(os.getppid())
    {"web": web.main, "worker": worker.main}[sys.argv[1]]()
