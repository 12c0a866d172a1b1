"""Members' codes: one for each account, whoever asks and however often."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.orders import origin
from app.referrals import codes
from app.runtime import Runtime
from app.shops.models import Shop


@pytest.mark.requirement(37, partly=True)
def test_every_account_has_one_code_whoever_asks(runtime: Runtime, shop: Shop) -> None:
    def ask(_: int) -> dict[int, str]:
        with runtime.database.shop(shop.id) as session:
            return codes.ensure(session, shop.id, range(1, 11))

    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(ask, range(8))
    assert others == [first] * 7
    assert len(set(first.values())) == 10
    assert all(re.fullmatch("[0-9A-HJKMNP-TV-Z]{8}", code) for code in first.values())


def test_a_link_is_read_as_it_was_made() -> None:
    link = codes.link("https://demo.myshopify.com", "AB12CD34")
    assert link == "https://demo.myshopify.com/?ref=AB12CD34"
    assert origin.code_in(link) == origin.code_in("/?ref=ab12cd34") == "AB12CD34"


@pytest.mark.parametrize(
    "address", [None, "", "/", "/?prefer=A", "/?ref=", "/?ref=a b", "/?ref=%00", "/#?ref=A", "/?" + "ref=%20&" * 200]
)
def test_what_names_no_code_is_none(address: str | None) -> None:
    assert origin.code_in(address) is None


@pytest.mark.parametrize("body", [{}, {"shipping_address": None}, {"shipping_address": "x"}, {"shipping_address": {}}])
def test_goods_that_go_nowhere_have_no_address(body: dict[str, object]) -> None:
    assert origin.address_digest(body) is None


def test_one_place_spelled_in_two_ways_is_one_and_its_flats_are_several() -> None:
    def digest(street: str, more: str | None = None, name: str = "Ann") -> str | None:
        place = {"address1": street, "address2": more, "zip": "10115", "country_code": "DE", "name": name}
        return origin.address_digest({"shipping_address": place})

    assert digest("1 Market Street") == digest("1, MARKET  street ", name="Ben") != digest("1 Market Street", "Flat 2")
