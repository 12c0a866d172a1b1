"""A code that the popup gave works for one order, also when several try at the same instant."""

import re
import threading

import pytest
import requests

from app.popups import counting
from tests.storefront.conftest import SHOP, Street
from tests.storefront.test_routes import asked


def shopper(street: Street, code: str) -> requests.Session:
    """Somebody with goods and the code in the cart."""
    session, shop = requests.Session(), f"{street.origin}/{SHOP}"
    variant = next(iter(street.store.state.all(SHOP, "product")))["variants"][0]["id"]
    assert session.post(f"{shop}/cart/add.js", json={"id": variant, "quantity": 1}, timeout=10).status_code == 200
    assert session.get(f"{shop}/discount/{code}?redirect=/cart", timeout=10).status_code == 200
    return session


def pay(street: Street, session: requests.Session, email: str) -> requests.Response:
    form = {"email": email, "action": "buy"}
    return session.post(f"{street.origin}/{SHOP}/checkout", data=form, timeout=30)


@pytest.mark.requirement(13)
def test_of_those_who_redeem_one_code_at_the_same_instant_one_gets_it(street: Street) -> None:
    street.commerce.create_product(at=street.store.clock.now(), title="Thyme", variants=[{"price": "12.00"}])
    popup = street.popup()
    code = street.ask("sign-up", asked(popup)).json()["code"]
    shoppers = {f"friend{n}@example.com": shopper(street, code) for n in range(6)}
    start, answers = threading.Barrier(len(shoppers)), dict[str, requests.Response]()

    def redeem(email: str) -> None:
        start.wait()
        answers[email] = pay(street, shoppers[email], email)

    threads = [threading.Thread(target=redeem, args=(email,)) for email in shoppers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers.values()) == [200, *[422] * 5]
    assert all(re.search("cannot be used", answer.text) for answer in answers.values() if answer.status_code == 422)
    again = shopper(street, code)
    assert pay(street, again, "later@example.com").status_code == 422
    orders = list(street.store.state.all(SHOP, "order"))
    assert [[used["code"] for used in order["discount_codes"]] for order in orders] == [[code]]
    street.settle()
    with street.runtime.database.shop(street.shop.id) as session:
        counted = counting.statistics(session, street.shop.id, [popup.id])[popup.id]
    assert (counted.sign_ups, counted.codes_used, counted.revenue_minor) == (1, 1, 700)
