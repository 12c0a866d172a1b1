"""What follows a sign-up later: receipts that Shopify has not heard of, codes for those who had to wait, their letters.

Called by `jobs`, which make the calls; here is what is read and written around them.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock
from app.discounts.pools import service as pools
from app.jobs import Planned, enqueue_all
from app.popups.models import ConsentReceipt, Popup, SignUp
from app.sql import rows

# Long enough that a job which is only slow is not planned twice.
_PATIENCE = timedelta(minutes=10)
_MOST = 1_000


def untold_ids(session: Session, shop_id: int, first: int, last: int) -> Sequence[int]:
    """The receipts of a range that Shopify has not heard of yet, oldest first."""
    wanted = select(ConsentReceipt.id).where(
        ConsentReceipt.shop_id == shop_id,
        ConsentReceipt.id.between(first, last),
        ConsentReceipt.told_at.is_(None),
        ConsentReceipt.refused.is_(None),
    )
    return session.scalars(wanted.order_by(ConsentReceipt.id)).all()


def untold(session: Session, shop_id: int, receipt_id: int) -> ConsentReceipt | None:
    """A receipt that Shopify is to hear of; None when that is done, or the person was forgotten."""
    receipt = session.get(ConsentReceipt, (shop_id, receipt_id))
    if receipt is None or receipt.told_at or receipt.refused or not receipt.address:
        return None
    session.expunge(receipt)
    return receipt


def settle(session: Session, receipt: ConsentReceipt, refused: str | None = None) -> None:
    """Write down that Shopify was told, or why it will not be."""
    row = session.get(ConsentReceipt, (receipt.shop_id, receipt.id), with_for_update=True)
    if row is not None:
        row.refused = refused
        row.told_at = None if refused else clock.now()


_UNTOLD = text("""
select r.shop_id, r.id from consent_receipts r join shops s on s.id = r.shop_id and s.state = 'installed'
where r.told_at is null and r.refused is null and r.address is not null and r.given_at < :before
order by r.given_at limit :most
""")


def plan_untold(session: Session) -> int:
    """Plan what was lost on the way, oldest first (a system session). Returns how many."""
    found = session.execute(_UNTOLD, {"before": clock.now() - _PATIENCE, "most": _MOST}).all()
    enqueue_all(session, [telling(row.shop_id, row.id, row.id) for row in found])
    return len(found)


def telling(shop_id: int, first: int, last: int) -> Planned:
    """The job that passes receipts on, from one id to another: those of one moment."""
    args: dict[str, int | str] = {"shop_id": shop_id, "receipt_id": first, "last": last}
    return Planned("popups.tell_shopify", args, queueing_lock=f"popups.tell_shopify:{shop_id}:{first}:{last}")


# Only where a code has become free: a pool that stays dry for days costs nothing.
_WAITING = text("""
select distinct p.shop_id, p.id
from sign_ups s join popups p on p.shop_id = s.shop_id and p.id = s.popup_id
where s.code is null and s.email is not null and exists (
    select 1 from pool_codes c where c.shop_id = p.shop_id and c.pool_id = p.pool_id and c.state = 'free')
""")


def plan_waiting(session: Session) -> int:
    """Plan codes for those who wait, where there are codes again (a system session). Returns how many popups."""
    found = session.execute(_WAITING).all()
    enqueue_all(
        session,
        [
            Planned(
                "popups.hand_out",
                {"shop_id": row.shop_id, "popup_id": row.id},
                queueing_lock=f"popups.hand_out:{row.shop_id}:{row.id}",
            )
            for row in found
        ],
    )
    return len(found)


_GIVE = text("""
update sign_ups s set code = r.code, owed_at = :now
from jsonb_to_recordset(cast(:rows as jsonb)) as r(id bigint, code text)
where s.shop_id = :shop and s.id = r.id
""")


def hand_out(session: Session, shop_id: int, popup_id: int, most: int = _MOST) -> int:
    """Give free codes to those who wait at a popup, oldest first; a mail is owed to them. Returns how many."""
    popup = session.get_one(Popup, (shop_id, popup_id))
    waiting = _waiting(session, shop_id, popup_id, most)
    codes = pools.take_many(session, shop_id, popup.pool_id, len(waiting)) if waiting else []
    given: list[dict[str, Any]] = [{"id": waiter, "code": code} for waiter, code in zip(waiting, codes, strict=False)]
    session.execute(_GIVE, {"shop": shop_id, "rows": rows(given), "now": clock.now()})
    return len(given)


def _waiting(session: Session, shop_id: int, popup_id: int, most: int) -> Sequence[int]:
    waiting = select(SignUp.id).where(
        SignUp.shop_id == shop_id, SignUp.popup_id == popup_id, SignUp.code.is_(None), SignUp.email.is_not(None)
    )
    return session.scalars(waiting.order_by(SignUp.id).limit(most).with_for_update(skip_locked=True)).all()


# A code that nobody could send for so long comes too late: who still wants it has asked again.
_STALE = timedelta(days=3)
_OWED = text("""
select s.id from sign_ups s
where s.shop_id = :shop and s.popup_id = :popup and s.owed_at is not null and s.mailed_at is null
    and s.mail_refused is null and s.owed_at > :since and s.email is not null
order by s.id limit :most
""")
_POPUPS_OWING = text("""
select distinct s.shop_id, s.popup_id from sign_ups s join shops o on o.id = s.shop_id and o.state = 'installed'
where s.owed_at > :since and s.owed_at < :before and s.mailed_at is null and s.mail_refused is null
""")


def mailing(shop_id: int, popup_id: int) -> Planned:
    """The job that sends what is owed at a popup; one at a time, so that nobody is written to by two."""
    args: dict[str, int | str] = {"shop_id": shop_id, "popup_id": popup_id}
    name = f"popups.mail_owed:{shop_id}:{popup_id}"
    return Planned("popups.mail_owed", args, queueing_lock=name, lock=name)


def plan_mailing(session: Session) -> int:
    """Plan letters that were lost on the way (a system session). Returns at how many popups."""
    now = clock.now()
    found = session.execute(_POPUPS_OWING, {"since": now - _STALE, "before": now - _PATIENCE}).all()
    enqueue_all(session, [mailing(row.shop_id, row.popup_id) for row in found])
    return len(found)


def owed(session: Session, shop_id: int, popup_id: int) -> Sequence[int]:
    """The sign-ups at a popup whose code came late and was not sent yet, oldest first."""
    asked = {"shop": shop_id, "popup": popup_id, "since": clock.now() - _STALE, "most": _MOST}
    return session.execute(_OWED, asked).scalars().all()


def to_mail(session: Session, shop_id: int, sign_up_id: int) -> SignUp | None:
    """A sign-up whose code is to be sent; None when that is done, or the person was forgotten."""
    row = session.get(SignUp, (shop_id, sign_up_id))
    if row is None or row.mailed_at or row.mail_refused or row.owed_at is None or not (row.email and row.code):
        return None
    session.expunge(row)
    return row


def settle_mail(session: Session, shop_id: int, sign_up_id: int, refused: str | None = None) -> None:
    """Write down that a code was sent, or why it never will be."""
    row = session.get(SignUp, (shop_id, sign_up_id), with_for_update=True)
    if row is not None:
        row.mail_refused = refused
        row.mailed_at = None if refused else clock.now()
