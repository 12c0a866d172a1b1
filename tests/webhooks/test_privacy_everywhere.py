"""Somebody who was in every feature is forgotten: popups, referrals, segments, merges, files of balances, audit."""

import io

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import job_table
from app.audit import service as audit
from app.customers import accounts, candidates
from app.loyalty.programs import DEFAULT_RULES
from app.popups.sign_up import Wish, sign_up
from app.referrals import codes
from app.runtime import Runtime
from app.segments import follow, service
from app.shops import privacy
from app.shops.models import Shop
from app.shops.personal_data import export_customer
from app.transfer import balances
from dev_store.commerce import OrderLine
from tests.popups.conftest import make_popup
from tests.referrals.conftest import REFERRAL
from tests.webhooks.test_privacy import EMAIL, OTHER, PERSONAL, PHONE, Story

FILE = b"email,points,note\n%b,40,%b\n"
VARIANT = "ada.lovelace+offers@shop.example"
WORDS = (*PERSONAL, VARIANT, "countess")


@pytest.fixture
def story(runtime: Runtime, shop: Shop, client: FlaskClient) -> Story:
    job_table.load()
    return Story(runtime, shop, client)


def be_everywhere(story: Story) -> int:
    """Ada has bought, agreed, brought a friend, and is in files and decisions of the merchant; her customer's id."""
    with story.runtime.database.system() as session:
        rules = orjson.dumps(DEFAULT_RULES | {"referral": REFERRAL}).decode()
        session.execute(text("update rule_versions set rules = :rules"), {"rules": rules})
    line = OrderLine(title="Tea", quantity=1, price="20.00")
    story.commerce.place_order(at=story.at(45), email=VARIANT, lines=[line])
    ada, _ = story.live(EMAIL, PHONE)
    twin = story.commerce.create_customer(at=story.at(28), email=VARIANT, first_name="Ada")
    story.commerce.update_customer(ada, at=story.at(27), tags=["Countess Lovelace"])
    story.deliver()
    shop, database = story.shop, story.runtime.database
    with database.system() as session:
        popup = make_popup(session, shop.id)
        version = popup.definition["texts"]["en"]["consent_version"]
        for email, ref in ((VARIANT, "ada-lovelace"), (EMAIL.upper(), None)):
            wish = Wish(popup_id=popup.id, email=email, consent=version, page=f"/pages/{EMAIL}", ref=ref)
            sign_up(session, shop.id, wish)
        service.create(session, shop.id, name="Fans", query="customer_tags CONTAINS 'countess lovelace'")
        service.wake_due(session)
        own = accounts.own_accounts_of_customers(session, {(shop.id, ada)})[shop.id, ada]
        [code] = codes.ensure(session, shop.id, [own]).values()
        candidates.dismiss(session, shop.id, ada, twin, "staff:1")
        audit.record(session, shop.id, actor="staff:1", what="customer.looked_at", subject=f"customer:{ada}")
    friend = story.commerce.create_customer(at=story.at(20), email=OTHER)
    story.commerce.place_order(
        at=story.at(19), customer_id=friend, lines=[line], note_attributes=[{"name": "_ref", "value": code}]
    )
    story.deliver()
    read_balances(story, EMAIL, "wrote from Analytical Row", post=True)
    read_balances(story, EMAIL, "Lovelace again", post=False)
    with database.system() as session:
        while follow.step(session, shop.id).more:
            pass
    return ada


def read_balances(story: Story, email: str, note: str, *, post: bool) -> None:
    with story.runtime.database.system() as session:
        shop = session.get_one(Shop, story.shop.id)
        made = balances.start(session, shop, io.BytesIO(FILE % (email.encode(), note.encode())), actor="test")
    if post:
        balances.carry_on(story.runtime.database, story.shop.id, made.id)


def unposted(session: Session) -> list[tuple[int | None, int]]:
    found = session.execute(text("select customer_id, points from balance_import_rows where account_id is null"))
    return [tuple(row) for row in found]


def test_the_person_was_everywhere(story: Story) -> None:
    be_everywhere(story)
    assert story.traces(*WORDS) >= {
        "customers.email",
        "customers.tags",
        "orders.email",
        "sign_ups.mailbox",
        "sign_ups.page",
        "sign_ups.ref",
        "consent_receipts.address",
        "identities.value",
        "segment_profiles.tags",
        "balance_import_rows.email",
        "balance_import_rows.note",
        "ledger_notes.note",
        "inbox_events.body",
    }


def test_rows_of_files_that_wait_are_handed_out_to_whom_they_name(story: Story) -> None:
    ada = be_everywhere(story)
    with story.runtime.database.shop(story.shop.id) as session:
        held = export_customer(session, story.shop.id, ada)
        of_others = export_customer(session, story.shop.id, None, OTHER)
    assert [(row["points"], row["note"]) for row in held["balances_in_files"]] == [(40, "Lovelace again")]
    assert of_others["balances_in_files"] == []


def test_who_was_everywhere_is_nowhere_afterwards(story: Story) -> None:
    ada = be_everywhere(story)
    points = story.points()
    [twin] = [doc["id"] for doc in story.state.all(story.shop.domain, "customer") if doc["email"] == VARIANT]
    for customer in (twin, ada):
        story.commerce.redact_customer(customer, at=story.at(4))
    story.deliver()
    story.work()
    # The query of a segment is the merchant's own words.
    assert story.traces(*WORDS) == {"segments.query"}
    assert story.points() == points
    assert story.verified()
    assert "customers.email" in story.traces(OTHER), "nobody else is forgotten"
    with story.runtime.database.system() as session:
        assert unposted(session) == [(ada, 40)]
        [waiting] = session.scalars(text("select cast(id as text) from balance_imports where state = 'read'"))
        assert session.scalar(text("select count(*) from referrals")) == 1
    balances.carry_on(story.runtime.database, story.shop.id, waiting)
    assert story.points() == points + 40
    assert story.traces(*WORDS) == {"segments.query"}


def test_a_bare_address_in_a_file_leaves_with_its_row(story: Story) -> None:
    read_balances(story, EMAIL, "Lovelace", post=False)
    body = {"customer": {"id": None, "email": EMAIL}, "orders_to_redact": []}
    with story.runtime.database.system() as session:
        privacy.redact_customer(session, story.shop.id, body, "w")
    assert story.traces(EMAIL, "lovelace") == set()
    with story.runtime.database.system() as session:
        [waiting] = session.scalars(text("select cast(id as text) from balance_imports"))
    assert balances.carry_on(story.runtime.database, story.shop.id, waiting).state == "done"
    assert (story.points(), story.verified()) == (0, True)
