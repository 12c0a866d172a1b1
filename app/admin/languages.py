"""In which language a member of staff reads: as chosen in the settings, else as Shopify's admin said last."""

from sqlalchemy.orm import Session

from app.admin.models import StaffLanguage
from app.admin.texts import known_language


def of_staff(session: Session, shop_id: int, user_id: str, told: str | None) -> str | None:
    """The language of this reader, None when nothing is known. `told` (Shopify's `locale`) is remembered."""
    row = session.get(StaffLanguage, (shop_id, user_id))
    wanted = known_language(told)
    if wanted is not None and (row is None or (row.language != wanted and not row.chosen)):
        row = session.merge(StaffLanguage(shop_id=shop_id, user_id=user_id, language=wanted, chosen=False))
    return row.language if row else None


def choose(session: Session, shop_id: int, user_id: str, language: str | None) -> None:
    """Keep what a member of staff has chosen; None: follow Shopify's admin again."""
    row = session.get(StaffLanguage, (shop_id, user_id))
    if language is None:
        if row is not None:
            session.delete(row)
        return
    session.merge(StaffLanguage(shop_id=shop_id, user_id=user_id, language=language, chosen=True))
