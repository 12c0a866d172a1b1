"""In which language a member of staff reads: as Shopify's admin says."""

from sqlalchemy.orm import Session

from app.admin.texts import known_language


def of_staff(session: Session, shop_id: int, user_id: str, told: str | None) -> str | None:
    """The language of this reader, None when nothing is known."""
    return known_language(told)
