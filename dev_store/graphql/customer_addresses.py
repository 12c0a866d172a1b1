"""Addresses given to customerSet and customerCreate, as the webhook-shaped documents everything else reads."""

from typing import Any

from dev_store.graphql.context import Context

_COUNTRIES = {"AT": "Austria", "CA": "Canada", "DE": "Germany", "FR": "France", "GB": "United Kingdom",
              "IE": "Ireland", "JP": "Japan", "KW": "Kuwait", "US": "United States"}  # fmt: skip
_PROVINCES = {
    ("CA", "AB"): "Alberta", ("CA", "BC"): "British Columbia", ("CA", "MB"): "Manitoba",
    ("CA", "NB"): "New Brunswick", ("CA", "NL"): "Newfoundland and Labrador", ("CA", "NS"): "Nova Scotia",
    ("CA", "ON"): "Ontario", ("CA", "PE"): "Prince Edward Island", ("CA", "QC"): "Quebec",
    ("CA", "SK"): "Saskatchewan", ("US", "CA"): "California", ("US", "FL"): "Florida", ("US", "IL"): "Illinois",
    ("US", "MA"): "Massachusetts", ("US", "NY"): "New York", ("US", "TX"): "Texas", ("US", "WA"): "Washington",
}  # fmt: skip


def address_document(context: Context, customer_id: int, wanted: dict[str, Any]) -> dict[str, Any]:
    """A country or province this small atlas does not know is shown under its code."""
    code, province = wanted.get("countryCode"), wanted.get("provinceCode")
    kept = ("address1", "address2", "city", "company", "phone", "zip")
    return {
        "id": context.state.next_id(context.shop, "address"),
        "customer_id": customer_id,
        **{key: wanted.get(key) for key in kept},
        "first_name": wanted.get("firstName"),
        "last_name": wanted.get("lastName"),
        "name": " ".join(part for part in (wanted.get("firstName"), wanted.get("lastName")) if part) or None,
        "country": _COUNTRIES.get(code, code) if code else wanted.get("country"),
        "country_code": code,
        "province": _PROVINCES.get((code, province), province) if code and province else wanted.get("province"),
        "province_code": province,
    }
