"""A visitor gives an address and gets a code: one for each mailbox, however often and however fast it is asked.

Called by the storefront's door, which puts sign-ups of one moment together. All of it is one transaction: the sign-up,
its code, the account of the address, the receipt of consent and the job that tells Shopify. A mailbox that is known
gets the answer it got the first time, so that nobody learns from an answer whether an address was here before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from sqlalchemy.orm import Session

from app import clock
from app.customers import accounts
from app.discounts.pools import service as pools
from app.errors import NotFound
from app.jobs import enqueue_all
from app.popups.addresses import cleaned, is_disposable, mailbox
from app.popups.afterwards import telling
from app.sql import Statement, rows

CODE, LATER, INVALID, GONE = "code", "later", "invalid", "gone"

_Mailbox = tuple[int, str]
_Row = dict[str, Any]


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
    """`state` code (with the code), later (it is being made, who asks again gets it), invalid, or gone.

    Invalid is an address that no mail can reach, or only for minutes.
    Gone is a popup that is not shown any more, words to agree to that this shop never used, or a shop that has left.
    """

    state: str
    code: str | None = None


def sign_up(session: Session, shop_id: int, wish: Wish) -> Answer:
    """Sign a mailbox up by itself. Raises NotFound for a popup that is not shown, or for words this shop never used."""
    [answer] = sign_up_all(session, shop_id, [wish])
    if answer.state == GONE:
        raise NotFound("This popup is not shown any more.", kind="popup-gone")
    return answer


def sign_up_all(session: Session, shop_id: int, wishes: Sequence[Wish]) -> list[Answer]:
    """Sign mailboxes up, in as many statements for all as for one; an answer for each wish, in their order."""
    asked = [_asked(n, wish) for n, wish in enumerate(wishes)]
    shown = {row.n: row for row in _CLAIM.run(session, shop=shop_id, rows=rows(asked), now=clock.now())}
    first: dict[_Mailbox, _Row] = {}
    for n, row in enumerate(asked):
        if n in shown and row["mailbox"]:
            first.setdefault(_key(row), row | {"id": shown[n].id, "pool_id": shown[n].pool_id})
    codes = _codes(session, shop_id, first) if first else {}
    return [
        Answer(GONE) if n not in shown else _answer(codes[_key(row)]) if row["mailbox"] else Answer(INVALID)
        for n, row in enumerate(asked)
    ]


def _asked(n: int, wish: Wish) -> _Row:
    """A wish as a row; without a mailbox where no mail can reach the address, or only for minutes."""
    address = cleaned(wish.email)
    if address is not None and is_disposable(address):
        address = None
    notes = {name: _note(getattr(wish, name)) for name in ("language", "page", "how", "ref", "consent")}
    return {"n": n, "popup_id": wish.popup_id, "mailbox": address and mailbox(address), "email": address} | notes


# Which popups and words are there, and who comes first: one statement, since visitors of a shop wait for each other's.
_CLAIM = Statement("""
with shown as (
    select w.*, p.pool_id
    from jsonb_to_recordset(cast(:rows as jsonb)) as w(
        n int, popup_id bigint, consent text, mailbox text, email text, language text, page text, how text, ref text)
    join shops s on s.id = :shop and s.state = 'installed'
    join popups p on p.shop_id = :shop and p.id = w.popup_id and p.active
    join consent_texts t on t.shop_id = :shop and t.version = w.consent
), claimed as (
    insert into sign_ups (shop_id, popup_id, mailbox, email, language, page, how, ref, created_at)
    select :shop, popup_id, mailbox, email, language, page, how, ref, :now
    from shown where mailbox is not null
    order by popup_id, mailbox, n
    on conflict do nothing
    returning id, popup_id, mailbox
)
select s.n, s.pool_id, c.id from shown s left join claimed c using (popup_id, mailbox)
""")
_HELD = Statement("""
select s.popup_id, s.mailbox, s.code
from jsonb_to_recordset(cast(:rows as jsonb)) as r(popup_id bigint, mailbox text)
join sign_ups s on s.shop_id = :shop and s.popup_id = r.popup_id and s.mailbox = r.mailbox
""")


def _codes(session: Session, shop_id: int, first: dict[_Mailbox, _Row]) -> dict[_Mailbox, str | None]:
    """The code of each mailbox: a new one, or what it got the first time. Who comes second waits for who came first."""
    new = [row for row in first.values() if row["id"]]
    known = [row for row in first.values() if not row["id"]]
    held = _HELD.run(session, shop=shop_id, rows=rows(known)) if known else []
    taken = _give(session, shop_id, new) if new else {}
    return {(row.popup_id, row.mailbox): row.code for row in held} | taken


def _give(session: Session, shop_id: int, new: list[_Row]) -> dict[_Mailbox, str | None]:
    """Codes and accounts for new sign-ups, their receipts, and the jobs that tell Shopify of them."""
    # Nearly always one pool: a visitor sees one popup, and a shop shows one offer at a time.
    for pool_id in sorted({row["pool_id"] for row in new}):
        waiting = [row for row in new if row["pool_id"] == pool_id]
        codes = pools.take_many(session, shop_id, pool_id, len(waiting))
        for row, code in zip_longest(waiting, codes):
            row["code"] = code
    # Last, because making an account keeps others of this shop waiting until we commit.
    owners = accounts.owners_of_emails(session, {(shop_id, row["email"]) for row in new})
    for row in new:
        row["account_id"] = owners[shop_id, row["email"]]
    receipts = _FINISH.run(session, shop=shop_id, rows=rows(new), now=clock.now())
    enqueue_all(session, [telling(shop_id, min(row.id for row in receipts), max(row.id for row in receipts))])
    return {_key(row): row["code"] for row in new}


_FINISH = Statement("""
with new as (
    select * from jsonb_to_recordset(cast(:rows as jsonb)) as r(
        id bigint, popup_id bigint, email text, consent text, code text, account_id bigint)
), signed as (
    update sign_ups s set code = new.code, account_id = new.account_id from new
    where s.shop_id = :shop and s.id = new.id
)
insert into consent_receipts (shop_id, account_id, channel, address, version, source, given_at)
select :shop, account_id, 'email', email, consent, 'popup:' || popup_id, :now from new order by id
returning id
""")


def _key(row: _Row) -> _Mailbox:
    return row["popup_id"], row["mailbox"]


def _answer(code: str | None) -> Answer:
    return Answer(CODE, code) if code else Answer(LATER)


def _note(value: str | None) -> str | None:
    return value.replace("\x00", "")[:100] if value else None
