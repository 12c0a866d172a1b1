"""What operators and load balancers ask: alive, ready, and the metrics of all processes of this host."""

import os

from flask import Blueprint, Response, current_app, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app import clock, processes, runtime
from app.child import SUPERVISOR
from app.db import Database
from app.loyalty.seals import unsealed_since

blueprint = Blueprint("health", __name__)

# Each state has a partial index, and only a query that names the state alone finds it; the rest may be millions.
_INBOX = text("""
select (select count(*) from inbox_events where state = 'parked') as parked, count(*) as pending,
       min(received_at) as oldest
from inbox_events where state = 'pending'
""")


@blueprint.get("/healthz")
def alive() -> ResponseReturnValue:
    """200 as long as the process answers."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def ready() -> ResponseReturnValue:
    """200 when requests can be served. Under `serve` the worker must be alive as well; alone, its age is told."""
    try:
        with runtime.of(current_app).database.system() as session:
            age = processes.youngest_beat(session)
    except (DBAPIError, PoolTimeout):
        return jsonify(status="not ready", database="away"), 503
    worker_lives = age is not None and age < processes.SILENT_AFTER.total_seconds()
    answer = jsonify(status="ready", database="ready", worker_seconds_since_beat=None if age is None else round(age, 1))
    if SUPERVISOR in os.environ and not worker_lives:
        answer = jsonify(status="not ready", database="ready", worker="silent")
        return answer, 503
    return answer


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus' text format: what is summed over processes, and inbox and ledger as the database has them."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library is partly typed
    else:
        registry = REGISTRY
    body = generate_latest(registry) + generate_latest(_database_registry(runtime.of(current_app).database))
    return Response(body, content_type=CONTENT_TYPE_LATEST)


def _database_registry(database: Database) -> CollectorRegistry:
    registry = CollectorRegistry()
    try:
        with database.system() as session:
            row = session.execute(_INBOX).one()
            unsealed = unsealed_since(session)
    except (DBAPIError, PoolTimeout):
        return registry
    oldest = max((clock.wall_now() - row.oldest).total_seconds(), 0) if row.oldest else 0
    waited = max((clock.now() - unsealed).total_seconds(), 0) if unsealed else 0
    figures = {
        "inbox_oldest_pending_seconds": ("Age of the oldest event that waits for the loop.", oldest),
        "inbox_pending": ("Events that wait for the loop.", row.pending),
        "inbox_parked": ("Events that wait for a person.", row.parked),
        "ledger_unsealed_seconds": ("Age of the oldest ledger entry that is not sealed.", waited),
    }
    registry.register(_Figures(figures))
    return registry


class _Figures:
    """Gauges with the values of this moment."""

    def __init__(self, figures: dict[str, tuple[str, float]]) -> None:
        self._figures = figures

    def collect(self) -> list[GaugeMetricFamily]:
        """What the registry asks for."""
        return [GaugeMetricFamily(name, told, value=value) for name, (told, value) in self._figures.items()]
