"""Members' codes: how one is spelled, and making those that are missing. `app.orders.origin` reads them."""

import secrets
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.orders.origin import PARAMETER
from app.sql import rows

# Crockford's base 32, as discount codes have it: no letter looks like a digit.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# 40 bits: a million members of one shop meet hardly once, and then another code is drawn.
_LENGTH = 8
_TRIES = 5


def link(origin: str, code: str) -> str:
    """The link that a member passes on; `origin` is the shop's, without a slash at its end."""
    return f"{origin}/?{PARAMETER}={code}"


_HELD = text("select account_id, code from referral_codes where shop_id = :shop and account_id = any(:accounts)")
_MAKE = text("""
insert into referral_codes (shop_id, account_id, code, created_at)
select :shop, account_id, code, :now from jsonb_to_recordset(cast(:rows as jsonb)) as r(account_id bigint, code text)
order by account_id
on conflict do nothing
""")


def ensure(session: Session, shop_id: int, accounts: Iterable[int]) -> dict[int, str]:
    """The code of each account, made where there is none. Two who ask at once get the same."""
    wanted = sorted(set(accounts))
    held: dict[int, str] = {}
    for _ in range(_TRIES):
        found = session.execute(_HELD, {"shop": shop_id, "accounts": wanted})
        held = {row.account_id: row.code for row in found}
        missing = [account for account in wanted if account not in held]
        if not missing:
            break
        drawn = rows({"account_id": account, "code": _draw()} for account in missing)
        session.execute(_MAKE, {"shop": shop_id, "rows": drawn, "now": clock.now()})
    return held


def _draw() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
