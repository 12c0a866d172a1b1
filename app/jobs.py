"""Background jobs: registration, planning inside a transaction, and the rescue of a dead worker's jobs.

A job is a hint, the row is the truth (design decision 3): arguments hold ids only, a job may run twice or be lost, and
a sweep finds what is due. Procrastinate carries them; only this module and the worker know that.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
import procrastinate
import structlog
from procrastinate.connector import BaseConnector
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.sql import Statement

if TYPE_CHECKING:
    from app.runtime import Runtime

log = structlog.get_logger()

CHANNEL = "procrastinate_any_queue_v1"
# With waits of up to ten minutes about a day, longer than most outages of others.
MAX_ATTEMPTS = 150
_ATTEMPT = "attempt_"


class Postponed(Exception):
    """Raised by a job for which it is not the time: it runs again after `wait` seconds, and no attempt is counted.

    It keeps its queueing lock, so that what is planned meanwhile joins it; `hurry` brings it forward.
    """

    wait: float = 60.0


F = TypeVar("F", bound=Callable[..., None])


@dataclass(frozen=True)
class Job:
    """A registered job."""

    name: str
    queue: str
    run: Callable[..., None]
    cron: str | None


_registry: dict[str, Job] = {}


def job(name: str, *, queue: str = "default", cron: str | None = None) -> Callable[[F], F]:
    """Register a job `noun.verb`. It gets the runtime first, then its arguments by name.

    With `cron` (six fields, seconds last, see Procrastinate) it also runs periodically, once a tick over all workers.
    """

    def register(function: F) -> F:
        if name in _registry:
            raise ValueError(f"two jobs are called {name}")
        _registry[name] = Job(name=name, queue=queue, run=function, cron=cron)
        return function

    return register


@dataclass(frozen=True)
class Planned:
    """A job to be run. A second one under the same `queueing_lock` that still waits becomes one with the first."""

    name: str
    args: dict[str, int | str]
    queueing_lock: str | None = None
    lock: str | None = None
    priority: int = 0
    run_at: datetime | None = None


_ENQUEUE = Statement("""
select perennial_enqueue(queue, name, priority, lock, queueing_lock, args, run_at)
from jsonb_to_recordset(cast(:jobs as jsonb)) as j(
    n int, queue text, name text, priority int, lock text, queueing_lock text, args jsonb, run_at timestamptz)
order by n
""")


def enqueue_all(session: Session, planned: Iterable[Planned]) -> None:
    """Plan jobs in the session's own transaction; they exist if and only if that commits.

    A waiting job under the same `queueing_lock` is joined, and waiting workers are woken all the same: it may already
    have been looked at before this transaction's rows were visible.
    """
    jobs = [job.__dict__ | {"n": n, "queue": _registry[job.name].queue} for n, job in enumerate(planned)]
    if jobs:
        _ENQUEUE.run(session, jobs=orjson.dumps(jobs).decode())


def enqueue(
    session: Session,
    name: str,
    args: dict[str, int | str],
    *,
    queueing_lock: str | None = None,
    lock: str | None = None,
    priority: int = 0,
    run_at: datetime | None = None,
) -> None:
    """Plan one job; see `enqueue_all`."""
    enqueue_all(session, [Planned(name, args, queueing_lock, lock, priority, run_at)])


def build_app(runtime: "Runtime", connector: BaseConnector) -> procrastinate.App:
    """Procrastinate's view of the registry, for a worker."""
    carrier = procrastinate.App(connector=connector)
    for entry in _registry.values():
        task = carrier.task(name=entry.name, queue=entry.queue, pass_context=True)(_carried(runtime, entry))
        if entry.cron:
            carrier.periodic(cron=entry.cron)(task)
    return carrier


def backoff(attempt: int) -> timedelta:
    """How long to wait after a failed attempt (1, 2, 4 … seconds, at most ten minutes)."""
    return timedelta(seconds=min(2 ** (attempt - 1), 600))


@dataclass(frozen=True)
class _Terms:
    """What a job that comes again keeps of its first planning."""

    priority: int = 0
    queueing_lock: str | None = None
    lock: str | None = None


def _carried(runtime: "Runtime", entry: Job) -> Callable[..., None]:
    """The job as Procrastinate calls it."""

    def run(context: procrastinate.JobContext, **args: Any) -> None:
        carried = context.job
        terms = _Terms(carried.priority, carried.queueing_lock, carried.lock)
        _run_guarded(runtime, entry, args, terms)

    return run


def _run_guarded(runtime: "Runtime", entry: Job, args: dict[str, Any], terms: _Terms) -> None:
    """A failed job plans itself anew instead of using Procrastinate's retry, whose lock can block a key for ever."""
    args = {name: value for name, value in args.items() if name != "timestamp"}  # given to periodic jobs
    attempt = int(args.pop(_ATTEMPT, 0)) + 1
    structlog.contextvars.bind_contextvars(job=entry.name, shop=args.get("shop_id"))
    try:
        entry.run(runtime, **args)
    except Postponed as postponed:
        log.info("job postponed", seconds=round(postponed.wait), reason=type(postponed).__name__)
        if not entry.cron:
            later = clock.wall_now() + timedelta(seconds=postponed.wait)
            _again(runtime, entry, {**args, _ATTEMPT: attempt - 1}, terms, later)
    except Exception as error:
        log.exception("job failed", attempt=attempt, error=type(error).__name__)
        if entry.cron or attempt >= MAX_ATTEMPTS:
            raise
        # Without its locks: what is planned meanwhile must not have to wait for this one.
        later = clock.wall_now() + backoff(attempt)
        _again(runtime, entry, {**args, _ATTEMPT: attempt}, _Terms(priority=terms.priority), later)
    finally:
        structlog.contextvars.unbind_contextvars("job", "shop")


def _again(runtime: "Runtime", entry: Job, args: dict[str, Any], terms: _Terms, at: datetime) -> None:
    with runtime.database.system() as session:
        enqueue(
            session,
            entry.name,
            args,
            queueing_lock=terms.queueing_lock,
            lock=terms.lock,
            priority=terms.priority,
            run_at=at,
        )


_HURRY = text("""
update procrastinate_jobs set scheduled_at = null
where status = 'todo' and queue_name = 'shopify' and scheduled_at is not null
  and args @> jsonb_build_object('shop_id', cast(:shop_id as bigint))
""")


def hurry(session: Session, shop_id: int) -> None:
    """A shop can be reached again: what waits to speak with it is due now (system sessions)."""
    session.execute(_HURRY, {"shop_id": shop_id})
    _wake_workers(session)


_RESCUE = text("""
with lost as (
    select j.id, j.queueing_lock
    from procrastinate_jobs j left join procrastinate_workers w on w.id = j.worker_id
    where j.status = 'doing' and (w.id is null or w.last_heartbeat < now() - make_interval(secs => :silent))
    for update of j skip locked
), covered as (
    -- The same work is waiting already, or was lost twice (one ran while the next began): running it once is enough.
    delete from procrastinate_jobs where id in (
        select lost.id from lost
        where exists (select 1 from procrastinate_jobs t
                      where t.status = 'todo' and t.queueing_lock = lost.queueing_lock)
            or exists (select 1 from lost twin
                       where twin.queueing_lock = lost.queueing_lock and twin.id > lost.id)
    ) returning id
)
update procrastinate_jobs set status = 'todo', worker_id = null, scheduled_at = null
where id in (select id from lost except select id from covered)
returning id
""")


def rescue_lost(session: Session, *, silent_seconds: float = 30) -> int:
    """Put the jobs of killed or silent workers back; Procrastinate does not do it by itself. Returns how many."""
    rescued = session.execute(_RESCUE, {"silent": silent_seconds}).scalars().all()
    if rescued:
        _wake_workers(session)
        log.warning("jobs of a lost worker put back", jobs=len(rescued))
    return len(rescued)


def _wake_workers(session: Session) -> None:
    """Procrastinate reads the type of whatever it hears, and a listener that cannot ends its worker."""
    news = orjson.dumps({"type": "job_inserted", "job_id": 0}).decode()
    session.execute(text("select pg_notify(:channel, :news)"), {"channel": CHANNEL, "news": news})


_TAKE = text("""
delete from procrastinate_jobs where id = (
    select id from procrastinate_jobs
    where status = 'todo' and (scheduled_at is null or scheduled_at <= :until)
    order by priority desc, id limit 1 for update skip locked
) returning task_name, args, priority, queueing_lock, lock
""")


def drain(runtime: "Runtime", *, until: datetime | None = None) -> int:
    """Run every job that is due, one after the other, in this thread (tests and the command line). Returns how many."""
    done = 0
    while True:
        with runtime.database.system() as session:
            taken = session.execute(_TAKE, {"until": until or clock.wall_now()}).one_or_none()
        if taken is None:
            return done
        terms = _Terms(taken.priority, taken.queueing_lock, taken.lock)
        _run_guarded(runtime, _registry[taken.task_name], taken.args, terms)
        done += 1
