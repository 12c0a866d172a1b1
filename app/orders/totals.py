"""What an account's orders add up to. Recomputed from the orders, never counted up, so that it converges like them.

Counted are paid orders that are neither test nor cancelled nor deleted; spent is their total after refunds.
"""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from app.changes import Key
from app.sql import Statement, keys

_RECOMPUTE = Statement("""
insert into account_totals (shop_id, account_id, orders, spent_minor, first_order_at, last_order_at)
select k.shop_id, k.id, count(o.id), coalesce(sum(o.current_total_minor), 0),
       min(coalesce(o.processed_at, o.created_at)), max(coalesce(o.processed_at, o.created_at))
from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
left join orders o on o.shop_id = k.shop_id and o.account_id = k.id and o.paid and not o.test
    and o.cancelled_at is null and o.deleted_at is null and o.updated_at is not null
group by 1, 2 order by 1, 2
on conflict (shop_id, account_id) do update set orders = excluded.orders, spent_minor = excluded.spent_minor,
    first_order_at = excluded.first_order_at, last_order_at = excluded.last_order_at
""")


def recompute(session: Session, accounts: Iterable[Key]) -> None:
    """Bring the totals of these accounts up to date."""
    wanted = set(accounts)
    if wanted:
        _RECOMPUTE.run(session, keys=keys(wanted))
