"""Reading what is under way in a shop: work that waits for the worker, and what went wrong with it last.

Work is read from its own rows, never from the job engine: the row is the truth, a job is a hint (design decision 3).
Each kind is counted no further than `MOST`, along the index that its own sweep uses. Called by the pages beside it.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

MOST = 1_000


class Work(NamedTuple):
    """Work of a kind that is not done: how much of it (at most `MOST`), since when, and what went wrong last."""

    kind: str
    waiting: int
    since: datetime | None
    trouble: str | None


_WORK = text("""
select 'settling' as kind, count(*) as waiting, min(planned_at) as since, null as trouble
from settlement_runs where shop_id = :shop and finished_at is null
union all
select 'codes', count(*), min(at), max(last_error) from (
    select starts_at as at, last_error from discount_codes
    where shop_id = :shop and state in ('planned', 'revoking') limit :most) w
union all
select 'pools', count(*), min(created_at), max(last_error) from code_pools
where shop_id = :shop and (due_at is not null or state = 'failed')
union all
select 'imports', count(*), min(at), null from balance_imports
where shop_id = :shop and state in ('posting', 'undoing')
union all
select 'consents', count(*), min(given_at), null from (
    select given_at from consent_receipts
    where shop_id = :shop and told_at is null and refused is null order by given_at limit :most) w
union all
select 'what_ifs', count(*), min(asked_at), null from what_ifs where shop_id = :shop and state = 'pending'
""")


def work(session: Session, shop_id: int) -> list[Work]:
    """Everything that waits, kind by kind; kinds without anything are there with a nought."""
    return [Work(*row) for row in session.execute(_WORK, {"shop": shop_id, "most": MOST})]
