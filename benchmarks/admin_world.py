"""The shop whose admin is measured: the ledger's world with its orders, codes, segments, events, popups and friends.

Five orders a member by default, those that the ledger's first entries are about, but spread until today, so that there
is a last month to count; some members stay away or spend much, so that every segment has some. Half of the members came
by a popup, each twentieth was brought by another. Made once by SQL and kept. Called by `benchmarks.admin`.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import text

from app import clock
from app.segments import first, follow
from app.shops.models import Shop
from app.shops.secrets import seal
from benchmarks.ledger_world import CUSTOMERS_FROM, world
from benchmarks.world import SECRET, World

KEY = "benchmark-key"
ORDERS_FROM = 5_000_000_000_000
# Two years of a shop, in which a member orders at even distances.
_DAYS = 720
_PACE = f"({_DAYS} / :each)"
_AWAY = "case i % 7 when 0 then 300 when 1 then 600 else 0 end"
_AT = f"""cast(:since as timestamptz) + ((n - 1) * {_PACE} + i % {_PACE} - {_AWAY}) * interval '1 day'
            + i % 80000 * interval '1 s'"""
_ALL = "generate_series(1, :accounts) i cross join generate_series(1, :each) n"
_MONEY = "(1000 + (i * 37 + n * 101) % 9000) * case i % 50 when 0 then 10 else 1 end"
_STATEMENTS = (
    f"""insert into orders (shop_id, id, account_id, customer_id, name, currency, subtotal_minor,
            current_subtotal_minor, total_minor, current_total_minor, financial_status, paid, created_at, processed_at,
            updated_at)
        select :shop, {ORDERS_FROM} + n * :accounts + i, i, {CUSTOMERS_FROM} + i, '#' || (n * :accounts + i), 'USD',
            {_MONEY}, {_MONEY}, {_MONEY}, {_MONEY}, 'paid', true, {_AT}, {_AT}, {_AT}
        from {_ALL}""",  # noqa: S608 - constants of this module
    """insert into account_totals (shop_id, account_id, orders, spent_minor, lifetime_orders, lifetime_spent_minor,
            first_order_at, last_order_at)
        select shop_id, account_id, count(*), sum(total_minor), count(*), sum(total_minor), min(processed_at),
            max(processed_at)
        from orders where shop_id = :shop group by 1, 2""",
    f"""insert into discount_codes (shop_id, code, purpose, intent_id, account_id, customer_id, title, value_minor,
            currency, state, starts_at, issued_at, used_at)
        select shop_id, code, 'redemption', id::text, account_id, {CUSTOMERS_FROM} + account_id, 'Five off', 500, 'USD',
            case state when 'used' then 'used' else 'revoked' end, created_at, settled_at, settled_at
        from redemptions where shop_id = :shop""",  # noqa: S608 - ditto
    """insert into inbox_events (shop_id, partition, lane, topic, webhook_id, triggered_at, received_at, state,
            finished_at, reason)
        select :shop, :shop % 64, 0, (array['orders/create', 'orders/paid', 'customers/update'])[1 + i % 3],
            'w-' || i, :now, :now, case when i % 10000 = 0 then 'parked' when i % 7 = 0 then 'ignored' else 'done' end,
            :now, case when i % 10000 = 0 then 'wrong-money' when i % 7 = 0 then 'nothing-to-do' end
        from generate_series(1, :accounts) i""",
    """insert into audit_log (shop_id, at, actor, what, subject, after)
        select :shop, :now, 'staff:81', 'points.adjusted', 'account:' || i, '{"points": 25}'
        from generate_series(1, :accounts / 10) i""",
    """insert into code_pools (shop_id, title, kind, value, currency, prefix, starts_at, target, low, state, created_at)
        values (:shop, 'Welcome', 'percent_off', 1000, 'USD', 'WELCOME-', :now, 200, 50, 'ready', :now)""",
    """insert into popups (shop_id, name, definition, pool_id, active, created_at, updated_at)
        select :shop, 'Exit', '{"trigger": {"exit": true}, "target": {}, "frequency": {"days": 14, "times": 3},
            "teaser": true, "look": {}, "texts": {"en": {"title": "Wait", "consent": "I agree.",
            "consent_version": "1"}}}', id, true, :now, :now from code_pools where shop_id = :shop""",
    """insert into sign_ups (shop_id, popup_id, mailbox, email, account_id, code, created_at)
        select :shop, p.id, 'm' || i, 'm' || i || '@example.com', i, 'WELCOME-' || i, :now
        from popups p cross join generate_series(1, :accounts / 2) i where p.shop_id = :shop""",
    """insert into order_codes (shop_id, order_id, code, amount_minor, kind)
        select :shop, :orders_from + :accounts + i, 'WELCOME-' || i, 500, 'percentage'
        from generate_series(1, :accounts / 2, 5) i""",
    """insert into referral_codes (shop_id, code, account_id, created_at)
        select :shop, 'FRIEND-' || i, i, :now from generate_series(1, :accounts / 10) i""",
    """insert into referrals (shop_id, order_id, advocate_account_id, code, matched_by, noted_at)
        select :shop, :orders_from + :accounts + :accounts - i, i, 'FRIEND-' || i, 'attribute', :now
        from generate_series(1, :accounts / 20) i""",
    """insert into popup_days (shop_id, popup_id, day, part, views, closes)
        select :shop, p.id, cast(cast(:now as timestamptz) as date) - d, part, 1000, 900
        from popups p cross join generate_series(0, 364) d cross join generate_series(0, 7) part
        where p.shop_id = :shop""",
)
_FILLED = ("orders", "account_totals", "discount_codes", "inbox_events", "audit_log", "sign_ups", "popup_days",
           "order_codes", "referral_codes", "referrals", "segment_profiles", "segment_members")  # fmt: skip


@contextmanager
def admin_world(accounts: int, orders: int) -> Iterator[World]:
    """The world, filled when it is new; `orders` is about the number of all orders."""
    with world(accounts, name="admin") as kept:
        if not _is_filled(kept):
            _fill(kept, accounts, max(orders // accounts, 1))
        yield kept


def shop_of(kept: World) -> tuple[int, str]:
    """Id and domain of the world's shop."""
    (domain,) = kept.domains
    return kept.shop_ids[domain], domain


def _is_filled(kept: World) -> bool:
    filled = text("select exists (select from popup_days where shop_id = :shop)")
    with kept.runtime.database.system() as session:
        return bool(session.scalar(filled, {"shop": shop_of(kept)[0]}))


def _fill(kept: World, accounts: int, each: int) -> None:
    shop_id, _domain = shop_of(kept)
    now = clock.now()
    values = {"shop": shop_id, "accounts": accounts, "each": each, "now": now, "since": now - timedelta(days=_DAYS),
              "orders_from": ORDERS_FROM}  # fmt: skip
    database = kept.runtime.database
    with database.system() as session:
        shop = session.get_one(Shop, shop_id)
        shop.scopes, shop.connection = ",".join(kept.runtime.settings.scopes), "ok"
        shop.access_token = seal(kept.runtime.keyring, shop_id, "access_token", b"benchmark")
        first.begin(session, shop)
    with database.system() as session:
        for statement in _STATEMENTS:
            session.execute(text(statement), {name: value for name, value in values.items() if f":{name}" in statement})
    while True:
        with database.system() as session:
            if not follow.step(session, shop_id).more:
                break
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in _FILLED:
            connection.execute(text(f"vacuum analyze {table}"))


def id_token(domain: str) -> str:
    """An ID token as Shopify's admin gives it out, good for an hour."""
    now = int(time.time())
    told = {"iss": f"https://{domain}/admin", "dest": f"https://{domain}", "aud": KEY, "sub": "81", "exp": now + 3_600,
            "nbf": now - 5, "iat": now, "jti": f"{now}", "sid": "benchmark"}  # fmt: skip
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(told)}"
    return f"{signed}.{_text(hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest())}"


def _part(content: dict[str, object]) -> str:
    return _text(json.dumps(content).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
