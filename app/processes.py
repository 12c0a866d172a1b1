"""Which worker processes are alive: a heartbeat row each, read by readiness, `doctor` and the sweeper of lost jobs."""

import os
import socket
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app import clock
from app.db import Base

BEAT_EVERY = timedelta(seconds=2)
SILENT_AFTER = timedelta(seconds=10)


class Process(Base):
    """A running worker. Times are the machine's, not business time."""

    __tablename__ = "processes"

    name: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


def own_name() -> str:
    """Host and process id, the name a worker beats under."""
    return f"{socket.gethostname()}:{os.getpid()}"


def beat(session: Session, name: str) -> None:
    """Say that this worker lives, and forget those that have long been silent."""
    now = clock.wall_now()
    row = insert(Process).values(name=name, started_at=now, seen_at=now)
    session.execute(row.on_conflict_do_update(index_elements=["name"], set_={"seen_at": now}))
    session.execute(delete(Process).where(Process.seen_at < now - timedelta(hours=1)))


def gone(session: Session, name: str) -> None:
    """Remove the row at a clean stop."""
    session.execute(delete(Process).where(Process.name == name))


def youngest_beat(session: Session) -> float | None:
    """Seconds since any worker was heard of; None when there is none."""
    seen = session.scalar(select(func.max(Process.seen_at)))
    return (clock.wall_now() - seen).total_seconds() if seen else None
