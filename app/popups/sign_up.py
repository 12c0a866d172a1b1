"""A visitor gives an address and gets a code: one for each mailbox, however often and however fast it is asked.

Called by the storefront's door. All of it is one transaction: the sign-up, its code, the account of the address, the
receipt of consent and the job that tells Shopify. A mailbox that is known gets the answer it got the first time, so
that nobody learns from an answer whether an address was here before.
"""

from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import clock
from app.customers import accounts
from app.discounts.pools import service as pools
from app.errors import NotFound
from app.jobs import enqueue_all
from app.popups.addresses import cleaned, is_disposable, mailbox
from app.popups.afterwards import telling
from app.popups.models import ConsentText, Popup, SignUp

CODE, LATER, INVALID = "code", "later", "invalid"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the popup sent. All but popup and address are notes, cut to what a column is worth."""

    popup_id: int
    email: str
    consent: str | None = None
    language: str | None = None
    page: str | None = None
    how: str | None = None
    ref: str | None = None


@dataclass(frozen=True)
class Answer:
    """`state` code (with the code), later (it will be sent), or invalid (no mail can reach that address)."""

    state: str
    code: str | None = None


def sign_up(session: Session, shop_id: int, wish: Wish) -> Answer:
    """Sign a mailbox up. Raises NotFound for a popup that is not shown, or for words that this shop never used."""
    popup = session.get(Popup, (shop_id, wish.popup_id))
    words = session.get(ConsentText, (shop_id, wish.consent or ""))
    if popup is None or not popup.active or words is None:
        raise NotFound("This popup is not shown any more.", kind="popup-gone")
    address = cleaned(wish.email)
    if address is None or is_disposable(address):
        return Answer(INVALID)
    row = _claim_mailbox(session, shop_id, wish, address)
    if row is None:
        return _known(session, shop_id, wish.popup_id, address)
    code = pools.take(session, shop_id, popup.pool_id)
    # Last, because making an account keeps others of this shop waiting until we commit.
    account = accounts.owners_of_emails(session, {(shop_id, address)})[shop_id, address]
    _finish(session, shop_id, row, code, account, wish, address, words.version)
    return Answer(CODE, code) if code else Answer(LATER)


def _claim_mailbox(session: Session, shop_id: int, wish: Wish, address: str) -> int | None:
    """The new sign-up's id; None when this mailbox has signed up. Who comes second waits here for who came first."""
    row = insert(SignUp).values(
        shop_id=shop_id,
        popup_id=wish.popup_id,
        mailbox=mailbox(address),
        email=address,
        language=_note(wish.language),
        page=_note(wish.page),
        how=_note(wish.how),
        ref=_note(wish.ref),
        created_at=clock.now(),
    )
    made: int | None = session.scalar(row.on_conflict_do_nothing().returning(SignUp.id))
    return made


def _known(session: Session, shop_id: int, popup_id: int, address: str) -> Answer:
    held = select(SignUp.code).where(
        SignUp.shop_id == shop_id, SignUp.popup_id == popup_id, SignUp.mailbox == mailbox(address)
    )
    code = session.scalar(held)
    return Answer(CODE, code) if code else Answer(LATER)


_FINISH = text("""
with signed as (
    update sign_ups set code = :code, account_id = :account where shop_id = :shop and id = :id
)
insert into consent_receipts (shop_id, account_id, channel, address, version, source, given_at)
values (:shop, :account, 'email', :address, :version, :source, :now)
returning id
""")


def _finish(
    session: Session, shop_id: int, row: int, code: str | None, account: int, wish: Wish, address: str, version: str
) -> None:
    """The code and the account of the sign-up, the receipt, and the job that tells Shopify of it."""
    told = {
        "shop": shop_id,
        "id": row,
        "code": code,
        "account": account,
        "address": address,
        "version": version,
        "source": f"popup:{wish.popup_id}",
        "now": clock.now(),
    }
    enqueue_all(session, [telling(shop_id, session.scalars(_FINISH, told).one())])


def _note(value: str | None) -> str | None:
    return value.replace("\x00", "")[:100] if value else None
