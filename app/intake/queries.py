"""What a merchant and the command line are shown of a shop's runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.intake.models import IntakeRun
from app.intake.service import STAGES
from app.shops.models import Shop


class Progress(NamedTuple):
    """A run as it is shown. `counts` by name: customers, orders, order_lines, missed, stale, written, left …

    `missed`: orders that were not here; `stale`: here with older contents; `written`: repaired; `left`: still different
    afterwards (0 is what one wants). The same of customers: `customers_missed`, `customers_stale`. Made again:
    `subscriptions_restored`. No longer listed and therefore asked for one by one: `asked_for`. While a file is prepared
    and read, `<stage>_expected` is the number of its objects as far as Shopify says.
    """

    id: int
    kind: str
    state: str
    stage: str
    steps: int
    step: int
    counts: dict[str, Any]
    error: str | None
    since: datetime | None
    planned_at: datetime
    finished_at: datetime | None


def runs(session: Session, shop_id: int, *, kind: str | None = None, limit: int = 10) -> Sequence[Progress]:
    """The newest runs of a shop, `import` or `reconcile` or both."""
    wanted = select(IntakeRun).where(IntakeRun.shop_id == shop_id)
    if kind is not None:
        wanted = wanted.where(IntakeRun.kind == kind)
    found = session.scalars(wanted.order_by(IntakeRun.id.desc()).limit(limit))
    return [_progress(run) for run in found]


def open_run(session: Session, shop_id: int) -> Progress | None:
    """The run that is under way in a shop."""
    wanted = select(IntakeRun).where(IntakeRun.shop_id == shop_id, IntakeRun.finished_at.is_(None))
    run = session.scalars(wanted).one_or_none()
    return _progress(run) if run is not None else None


def installed_shops(session: Session) -> list[tuple[int, str]]:
    """Id and domain of every shop that can be asked (system sessions)."""
    found = session.execute(select(Shop.id, Shop.domain).where(Shop.state == "installed").order_by(Shop.id))
    return [(row.id, row.domain) for row in found]


def _progress(run: IntakeRun) -> Progress:
    stages = STAGES[run.kind]
    return Progress(
        id=run.id,
        kind=run.kind,
        state=run.state,
        stage=run.stage,
        steps=len(stages),
        step=stages.index(run.stage) + 1,
        counts=run.counts,
        error=run.error,
        since=run.since,
        planned_at=run.planned_at,
        finished_at=run.finished_at,
    )
