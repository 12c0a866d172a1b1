"""Staged products and the collections they are in, as statements about labels, some hundreds a transaction."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.intake import staging
from app.intake.models import IntakeRun
from app.products import service
from app.products.payload import parse_answer

BATCH = 500

_NEXT = """
select p.id, p.updated_at, p.tags,
       array(select distinct m.collection_id from {memberships} m where m.product_id = p.id order by 1) as collections
from {products} p where p.id > :after order by p.id limit :batch
"""
_READ = text("""
update products set read_at = :told_at, wanted_at = case when wanted_at > :told_at then wanted_at end
where shop_id = :shop_id and id = any(:ids) and (read_at is null or read_at < :told_at)
""")


def take(session: Session, run: IntakeRun) -> int | None:
    """Take in the next products; returns the last one's id, None when there are no more."""
    told_at = run.told_at
    assert told_at is not None, "products that are staged were told"
    statement = text(_NEXT.format(**staging.names(run.id)))
    found = session.execute(statement, {"after": run.position, "batch": BATCH}).all()
    if not found:
        return None
    told = []
    for row in found:
        product = {"id": row.id, "updatedAt": row.updated_at.isoformat(), "tags": row.tags}
        told += parse_answer(run.shop_id, product, [{"id": one} for one in row.collections], told_at)
    service.take_in(session, told)
    session.execute(_READ, {"shop_id": run.shop_id, "ids": [row.id for row in found], "told_at": told_at})
    return int(found[-1].id)
