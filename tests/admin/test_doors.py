"""Every address of the admin refuses who brings no token, a spent, forged or foreign one, or another shop's ids.

The tests run over the table itself: a page that is added is held to them without a word here, except for the name of
a parameter that nobody has used before.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app import clock
from app.admin.table import ACTIONS, PAGES
from app.api import keys
from app.audit.service import record
from app.customers.merge_models import AccountMerge
from app.customers.models import Account, AccountIdentity, Customer
from app.discounts.pools.service import Offer
from app.loyalty import programs, service
from app.loyalty.ledger import Holder
from app.loyalty.models import Reward
from app.loyalty.programs import DEFAULT_RULES
from app.loyalty.run_models import WhatIf
from app.popups import service as popups
from app.runtime import Runtime
from app.segments.models import Segment
from app.shops.install import ShopInfo
from app.shops.models import PrivacyRequest, Shop
from tests.admin.opened import Staff, installed
from tests.shopify.signing import SHOP, id_token

OTHER = "other.myshopify.com"
SECRET_NAME = "Nobody else's business"
# In a text, in an attribute, and as the end of a text area or a script.
SCRIPT = '</textarea></script><script>alert(1)</script>"><img src=x onerror=alert(1)>'
RETRY = "X-Shopify-Retry-Invalid-Session-Request"
ADDRESSES = [("GET", page.path) for page in PAGES] + [("POST", action.path) for action in ACTIONS]


@dataclass(frozen=True)
class Rows:
    """Ids of one row of everything that an address may name."""

    ids: dict[str, int]

    def path(self, rule: str) -> str:
        """An address with these ids in it."""
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(self.ids[found.group(1)]), rule)


@pytest.fixture
def theirs(runtime: Runtime, connected: Shop) -> Rows:
    """Another shop's rows; none of their ids is one of ours."""
    other = installed(runtime, OTHER, ShopInfo(2, SECRET_NAME, None, "EUR", "UTC", None, None))
    with runtime.database.system() as session:
        return _rows(session, other)


def _rows(session: Session, shop: Shop, name: str = SECRET_NAME) -> Rows:
    """One row of each kind, with this name wherever a person or a merchant can write something."""
    now = clock.now()
    program = programs.default_program(session, shop.id)
    account = Account(shop_id=shop.id, created_at=now)
    definition = {"trigger": {"exit": True}, "texts": {"en": {"title": name, "body": name, "consent": name}}}
    offer = Offer(title=name, kind="amount_off", value=500, currency="EUR")
    popup = popups.create(session, shop.id, name=name, definition=definition, offer=offer)
    wanted = {"rules": DEFAULT_RULES, "from": now.isoformat(), "until": now.isoformat(), "counting": "as_posted"}
    asked = WhatIf(shop_id=shop.id, program_id=program.id, kind="rules", asked=wanted, state="pending", asked_at=now)
    request = PrivacyRequest(shop_id=shop.id, kind="data_request", webhook_id="w", customer_id=7, received_at=now)
    segment = Segment(shop_id=shop.id, name=name, query="number_of_orders > 1", created_at=now, updated_at=now)
    session.add_all([account, asked, request, segment])
    keys.create_key(session, shop.id, name)
    session.flush()
    # Of one account with itself: a fact without an effect.
    merge = AccountMerge(shop_id=shop.id, kept=account.id, absorbed=account.id, cause="staff", at=now)
    session.add(merge)
    session.flush()
    customer = Customer(shop_id=shop.id, id=7, first_name=name, last_name=name, email=f"{name}@example.com")
    session.add_all([customer, AccountIdentity(shop_id=shop.id, kind="customer", value="7", account_id=account.id)])
    holder = Holder(shop.id, program.id, account.id)
    service.adjust(session, holder, 5, request_id=f"gift {shop.id}", note=name, actor="key:1")
    record(session, shop.id, actor=name, what="segment.created", subject=name, after={"name": name})
    columns = "shop_id, partition, topic, webhook_id, state, lane, triggered_at, received_at, reason, error"
    event_id = session.scalar(
        text(
            f"insert into inbox_events ({columns}) "
            "values (:shop, 0, 'orders/create', 'w', 'parked', 0, :now, :now, 'wrong-money', :name) returning id"
        ),
        {"shop": shop.id, "now": now, "name": name},
    )
    reward = session.query(Reward).filter_by(shop_id=shop.id).one()
    reward.title = program.name = name
    (key,) = keys.list_keys(session, shop.id)
    ids: dict[str, Any] = {
        "account_id": account.id,
        "reward_id": reward.id,
        "question_id": asked.id,
        "event_id": event_id,
        "key_id": key.id,
        "request_id": request.id,
        "popup_id": popup.id,
        "segment_id": segment.id,
        "merge_id": merge.id,
        "program_id": program.id,
    }
    return Rows(ids)


def _everywhere(client: FlaskClient, rows: Rows, **sent: Any) -> Iterator[tuple[str, TestResponse]]:
    for method, rule in ADDRESSES:
        body: dict[str, Any] = {"data": {"key": f"k-{rule}"}} if method == "POST" else {}
        yield f"{method} {rule}", client.open(rows.path(rule), method=method, **body, **sent)


def _state(runtime: Runtime) -> dict[str, str]:
    """A digest of every table but the queue's: a refusal leaves all of them as they are."""
    digest = "select md5(coalesce(string_agg(x::text, '' order by x::text), '')) from {} x"
    with runtime.database.system() as session:
        names = session.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars().all()
        ours = [name for name in names if not name.startswith("procrastinate")]
        return {name: str(session.scalar(text(digest.format(name)))) for name in ours}


def test_without_a_token_no_address_shows_or_changes_anything(
    client: FlaskClient, runtime: Runtime, theirs: Rows
) -> None:
    before = _state(runtime)
    wrong = []
    for address, answer in _everywhere(client, theirs):
        if address.startswith("POST"):
            expected = answer.status_code == 401
        else:
            patched = answer.status_code == 302 and answer.location.startswith("/patch-id-token?shopify-reload=")
            expected = patched or (address == "GET /" and "This is Perennial" in answer.text)
        if not expected or SECRET_NAME in answer.text:
            wrong.append((address, answer.status_code))
    assert wrong == []
    assert _state(runtime) == before


@pytest.mark.parametrize("kind", ["expired", "forged", "another app", "no token"])
def test_a_token_that_proves_nothing_opens_no_address(
    client: FlaskClient, runtime: Runtime, theirs: Rows, kind: str
) -> None:
    past = int(time.time()) - 3600
    token = {
        "expired": id_token(exp=past, nbf=past - 60),
        "forged": id_token(secret="x" * 40),
        "another app": id_token(aud="another"),
        "no token": "",
    }[kind]
    before = _state(runtime)
    answers = list(_everywhere(client, theirs, headers={"Authorization": f"Bearer {token}"}))
    assert [(address, answer.status_code) for address, answer in answers if answer.status_code != 401] == []
    assert [address for address, answer in answers if answer.headers.get(RETRY) != "1"] == []
    assert _state(runtime) == before


def test_ids_of_another_shop_are_found_nowhere(
    client: FlaskClient, runtime: Runtime, connected: Shop, theirs: Rows
) -> None:
    staff = Staff(client)
    wrong = []
    for method, rule in ADDRESSES:
        if "<" not in rule:
            continue
        answer = staff.look(theirs.path(rule)) if method == "GET" else staff.send(theirs.path(rule))
        if answer.status_code != 404 or SECRET_NAME in answer.text:
            wrong.append((method, rule, answer.status_code))
    assert wrong == []
    with runtime.database.system() as session:
        assert [key.revoked_at for key in keys.list_keys(session, connected.id + 1)] == [None]
        assert session.scalar(text("select state from inbox_events")) == "parked"


def test_ids_of_another_shop_in_a_form_change_nothing_there(
    client: FlaskClient, runtime: Runtime, connected: Shop, theirs: Rows
) -> None:
    """Each form is sent with the other shop's ids under every name that a field might have."""
    staff = Staff(client)
    with runtime.database.system() as session:
        foreign = "select md5(string_agg(x::text, '' order by x::text)) from {} x where shop_id <> :mine"
        tables = ("accounts", "account_merges", "merge_dismissals", "customers", "segments", "inbox_events", "rewards",
                  "popups", "programs", "rule_versions", "api_keys", "shop_profiles", "ledger_entries")  # fmt: skip
        before = {t: session.scalar(text(foreign.format(t)), {"mine": connected.id}) for t in tables}
    named = {name: str(value) for name, value in theirs.ids.items()}
    named |= {"one": "7", "other": "8", "topic": "orders/create"}
    named |= {name.removesuffix("_id"): value for name, value in named.items()} | {"id": named["reward_id"]}
    statuses = {
        rule: staff.send(theirs.path(rule), named).status_code for method, rule in ADDRESSES if method == "POST"
    }
    assert {rule: status for rule, status in statuses.items() if status >= 500} == {}
    with runtime.database.system() as session:
        after = {t: session.scalar(text(foreign.format(t)), {"mine": connected.id}) for t in tables}
    assert after == before


def test_every_page_of_ones_own_shop_opens_under_the_policy(
    client: FlaskClient, runtime: Runtime, connected: Shop
) -> None:
    with runtime.database.system() as session:
        mine = _rows(session, connected)
    staff = Staff(client)
    for page in PAGES:
        answer = staff.look(mine.path(page.path))
        assert (page.path, answer.status_code) == (page.path, 200)
        if answer.mimetype == "text/html":
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'; script-src 'self' https://cdn.shopify.com; style-src 'self'" in policy
            assert f"frame-ancestors https://{SHOP} https://admin.shopify.com" in policy
            assert answer.headers["Cache-Control"] == "no-store"
            assert re.findall(r"<script(?! src=)|\son\w+=|\sstyle=", answer.text) == []


def test_script_in_any_text_stays_text(client: FlaskClient, runtime: Runtime) -> None:
    mine = installed(runtime, SHOP, ShopInfo(1, SCRIPT, SCRIPT, "EUR", "Europe/Berlin", "DE", SCRIPT))
    with runtime.database.system() as session:
        rows = _rows(session, mine, SCRIPT)
    staff, seen = Staff(client), 0
    for page in PAGES:
        answer = staff.look(rows.path(page.path))
        if answer.mimetype == "text/html":
            assert (page.path, SCRIPT in answer.text) == (page.path, False)
            assert re.findall(r"<script(?! src=)|<img|</textarea></script>", answer.text) == []
            seen += "&lt;img src=x onerror=alert(1)&gt;" in answer.text
    assert seen >= 5  # it is there, and it is text


def test_a_change_needs_the_token_in_the_header(client: FlaskClient, runtime: Runtime, connected: Shop) -> None:
    """A form of another site can name an address with a token it has seen; it cannot set a header."""
    before = _state(runtime)
    answer = client.post(f"/settings/keys?id_token={id_token()}", data={"key": "1", "name": "x"})
    assert answer.status_code == 401
    assert _state(runtime) == before


def test_a_change_from_a_page_of_another_origin_is_refused(
    client: FlaskClient, runtime: Runtime, connected: Shop
) -> None:
    before = _state(runtime)
    headers = {"Authorization": f"Bearer {id_token()}", "Origin": "https://evil.example"}
    answer = client.post("/settings/keys", data={"key": "1", "name": "x"}, headers=headers)
    assert answer.status_code == 403
    assert "did not come from Perennial" in answer.text
    assert _state(runtime) == before


@pytest.mark.parametrize(("site", "status"), [("same-origin", 200), ("cross-site", 403)])
def test_a_browser_that_keeps_the_origin_back_says_whether_it_is_ours(
    client: FlaskClient, connected: Shop, site: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {id_token()}", "Origin": "null", "Sec-Fetch-Site": site}
    assert client.post("/settings/keys", data={"key": "1", "name": "x"}, headers=headers).status_code == status


def test_a_page_whose_token_is_spent_gets_a_new_one_once(client: FlaskClient, connected: Shop) -> None:
    past = int(time.time()) - 3600
    spent = id_token(exp=past, nbf=past - 60)
    browser = {"Sec-Fetch-Dest": "iframe"}
    answer = client.get(f"/settings?id_token={spent}", headers=browser)
    assert answer.location == "/patch-id-token?shopify-reload=%2Fsettings%3Fpatched%3D1"
    assert client.get(f"/settings?patched=1&id_token={spent}", headers=browser).status_code == 401


def test_scripts_and_styles_are_kept_by_their_digest(client: FlaskClient, connected: Shop) -> None:
    page = Staff(client).look("/settings").text
    found = re.findall(r"/assets/[\w.-]+\?v=\w+", page)
    assert len(found) >= 3
    for address in found:
        with client.get(address) as answer:
            assert (answer.status_code, "immutable" in answer.headers["Cache-Control"]) == (200, True)


def test_nothing_is_changed_by_looking(client: FlaskClient) -> None:
    """Addresses of changes answer to POST alone."""
    looked = {page.path for page in PAGES}
    only_changes = [action.path for action in ACTIONS if action.path not in looked]
    answers = [client.get(re.sub(r"<[^>]+>", "1", path)).status_code for path in only_changes]
    assert set(answers) <= {404, 405}


def test_the_page_that_patches_a_token_shows_nothing_and_leads_nowhere_else(client: FlaskClient) -> None:
    answer = client.get("/patch-id-token?shop=demo.myshopify.com&shopify-reload=https://evil.example/")
    assert answer.status_code == 200
    assert "evil.example" not in answer.text
    assert (
        "frame-ancestors https://demo.myshopify.com https://admin.shopify.com"
        in answer.headers["Content-Security-Policy"]
    )
    first = re.search(r"<script[^>]*>", answer.text)
    assert first is not None
    assert 'src="https://cdn.shopify.com/shopifycloud/app-bridge.js"' in first.group()


def test_an_address_within_the_app_asks_for_a_token_and_comes_back(client: FlaskClient, connected: Shop) -> None:
    answer = client.get("/settings?tab=1&id=2")
    assert answer.location == "/patch-id-token?shopify-reload=%2Fsettings%3Ftab%3D1%26id%3D2"
