"""Postal addresses as Shopify writes them into customers and orders.

They carry a street on purpose: what an app must not keep has to be there to be left out.
"""

from typing import Any

COUNTRIES = {
    "AT": ("Austria", "Vienna", "1010", "Vienna", "W"),
    "CA": ("Canada", "Toronto", "M5H 2N2", "Ontario", "ON"),
    "DE": ("Germany", "Berlin", "10115", "Berlin", "BE"),
    "FR": ("France", "Paris", "75001", "Paris", "IDF"),
    "GB": ("United Kingdom", "London", "N1 9GU", "England", "ENG"),
    "JP": ("Japan", "Tokyo", "100-0001", "Tokyo", "JP-13"),
    "KW": ("Kuwait", "Kuwait City", "13001", "Al Asimah", "KW-KU"),
    "US": ("United States", "New York", "10001", "New York", "NY"),
}


def address(country: str, first_name: str | None, last_name: str | None, phone: str | None) -> dict[str, Any]:
    """An address in the country's capital of trade; `country` is an ISO code, others get their code as a name."""
    name, city, postcode, province, province_code = COUNTRIES.get(
        country, (country, country, "00000", country, country)
    )
    return {
        "first_name": first_name or "",
        "last_name": last_name or "",
        "company": None,
        "address1": "1 Market Street",
        "address2": None,
        "city": city,
        "province": province,
        "province_code": province_code,
        "zip": postcode,
        "country": name,
        "country_code": country,
        "phone": phone or "",
        "name": " ".join(part for part in (first_name, last_name) if part),
    }


def customer_address(key: int, customer_id: int, plain: dict[str, Any]) -> dict[str, Any]:
    """The same as a customer's own default address, under an id."""
    return {"id": key, "customer_id": customer_id, **plain, "country_name": plain["country"], "default": True}


def order_address(plain: dict[str, Any]) -> dict[str, Any]:
    """The same on an order, where Shopify adds coordinates and leaves the ids out."""
    kept = {key: value for key, value in plain.items() if key not in {"id", "customer_id", "country_name", "default"}}
    return {**kept, "latitude": None, "longitude": None}
