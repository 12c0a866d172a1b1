"""How large a shop is: whether it may be counted while somebody waits."""

from sqlalchemy import text
from sqlalchemy.orm import Session

SMALL = 20_000

_IS_LARGE = text("""
select (select count(*) from (select from orders where shop_id = :shop limit :most) o) >= :most
    or (select count(*) from (select from accounts where shop_id = :shop limit :most) a) >= :most
""")


def is_large(session: Session, shop_id: int) -> bool:
    """Whether counting takes longer than a page may."""
    return bool(session.scalar(_IS_LARGE, {"shop": shop_id, "most": SMALL}))
