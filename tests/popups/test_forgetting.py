"""Who is forgotten is forgotten here too; what is held can be handed out."""

import pytest
from sqlalchemy import select, text

from app.customers.accounts import accounts_of_customers
from app.customers.models import Customer
from app.popups import counting
from app.popups.models import ConsentReceipt, Popup, SignUp
from app.popups.sign_up import Wish, sign_up
from app.runtime import Runtime
from app.shops import privacy
from app.shops.models import Shop
from app.shops.personal_data import export_customer

BEA = 5
WRITTEN = "Bea.K+shop@gmail.com"


@pytest.fixture
def known(runtime: Runtime, shop: Shop, popup: Popup) -> Popup:
    """BEA signed up under a variant of her address; ANN signed up too."""
    version = popup.definition["texts"]["en"]["consent_version"]
    with runtime.database.system() as session:
        accounts_of_customers(session, {(shop.id, BEA)})
        session.add(Customer(shop_id=shop.id, id=BEA, email="beak@gmail.com"))
    with runtime.database.shop(shop.id) as session:
        for email, ref in ((WRITTEN, "bea-k"), ("ann@example.com", None)):
            wish = Wish(popup_id=popup.id, email=email, consent=version, page="product", ref=ref)
            sign_up(session, shop.id, wish)
    return popup


def test_a_forgotten_address_is_nowhere_and_counts_stay(runtime: Runtime, shop: Shop, known: Popup) -> None:
    body = {"customer": {"id": BEA, "email": "bea.k+shop@gmail.com"}, "orders_to_redact": []}
    with runtime.database.system() as session:
        privacy.redact_customer(session, shop.id, body, "w1")
    with runtime.database.system() as session:
        for table in ("sign_ups", "consent_receipts", "identities"):
            rows = session.scalars(text(f"select row_to_json(t)::text from {table} t")).all()
            assert not [row for row in rows if "bea" in row.lower()], table
            assert [row for row in rows if "ann@example.com" in row], table
        assert counting.statistics(session, shop.id, [known.id])[known.id].sign_ups == 2
        receipts = session.scalars(select(ConsentReceipt).order_by(ConsentReceipt.id)).all()
        assert [(one.address, one.version is not None) for one in receipts] == [(None, True), ("ann@example.com", True)]


def test_a_forgotten_mailbox_is_found_by_any_of_its_variants(runtime: Runtime, shop: Shop, known: Popup) -> None:
    body = {"customer": {"id": BEA, "email": "beak@gmail.com"}, "orders_to_redact": []}
    with runtime.database.system() as session:
        privacy.redact_customer(session, shop.id, body, "w1")
        found = session.scalars(select(SignUp.email).order_by(SignUp.id)).all()
        assert found == [None, "ann@example.com"]
        assert session.scalars(select(ConsentReceipt.address).order_by(ConsentReceipt.id)).all() == found


def test_sign_ups_and_consents_are_handed_out(runtime: Runtime, shop: Shop, known: Popup) -> None:
    with runtime.database.system() as session:
        session.get_one(Customer, (shop.id, BEA)).email = "bea.k+shop@gmail.com"
        session.flush()
        held = export_customer(session, shop.id, BEA)
    assert [(one["email"], one["code"]) for one in held["sign_ups"]] == [("bea.k+shop@gmail.com", "WELCOME-0")]
    assert [(one["address"], one["channel"]) for one in held["consents"]] == [("bea.k+shop@gmail.com", "email")]
