"""The shop itself: `shop` and its fields. The document is the one app/uninstalled carries."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dev_store.graphql.context import Context
from dev_store.graphql.schema import query, resolves
from dev_store.state import Document


@query("shop")
def shop(_source: Any, context: Context) -> Document:
    return context.shop_document


@resolves("Shop", "currencyCode")
def currency_code(source: Document, _context: Context) -> str:
    return str(source["currency"])


@resolves("Shop", "contactEmail")
def contact_email(source: Document, _context: Context) -> str:
    return str(source.get("customer_email") or source["email"])


@resolves("Shop", "shopOwnerName")
def owner_name(source: Document, _context: Context) -> str:
    return str(source["shop_owner"])


@resolves("Shop", "url")
def url(source: Document, _context: Context) -> str:
    return f"https://{source['domain']}"


@resolves("Shop", "primaryDomain")
def primary_domain(source: Document, _context: Context) -> dict[str, Any]:
    domain = {"host": source["domain"], "url": f"https://{source['domain']}", "sslEnabled": True}
    return {"id": f"gid://shopify/Domain/{source['id']}", **domain}


@resolves("Shop", "timezoneOffsetMinutes")
def timezone_offset_minutes(source: Document, context: Context) -> int:
    return int(_offset(source, context).total_seconds() // 60)


@resolves("Shop", "timezoneOffset")
def timezone_offset(source: Document, context: Context) -> str:
    minutes = timezone_offset_minutes(source, context)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


@resolves("Shop", "timezoneAbbreviation")
def timezone_abbreviation(source: Document, context: Context) -> str:
    return context.at.astimezone(ZoneInfo(source["iana_timezone"])).tzname() or ""


@resolves("Shop", "plan")
def plan(source: Document, _context: Context) -> dict[str, Any]:
    name = source["plan_display_name"]
    return {"displayName": name, "publicDisplayName": name, "partnerDevelopment": True, "shopifyPlus": False}


@resolves("Shop", "features")
def features(source: Document, _context: Context) -> dict[str, Any]:
    return {
        "sellsSubscriptions": bool(source.get("_sells_subscriptions")),
        "storefront": True,
        "giftCards": False,
        "reports": True,
    }


@resolves("Shop", "weightUnit")
def weight_unit(source: Document, _context: Context) -> str:
    return {"kg": "KILOGRAMS", "g": "GRAMS", "lb": "POUNDS", "oz": "OUNCES"}[source["weight_unit"]]


@resolves("Shop", "unitSystem")
def unit_system(source: Document, _context: Context) -> str:
    return "METRIC_SYSTEM" if source["weight_unit"] in ("kg", "g") else "IMPERIAL_SYSTEM"


@resolves("Shop", "currencyFormats")
def currency_formats(source: Document, _context: Context) -> dict[str, Any]:
    return {
        "moneyFormat": source["money_format"],
        "moneyInEmailsFormat": source["money_in_emails_format"],
        "moneyWithCurrencyFormat": source["money_with_currency_format"],
        "moneyWithCurrencyInEmailsFormat": source["money_with_currency_in_emails_format"],
    }


@resolves("Shop", "billingAddress", "shopAddress")
def address(source: Document, _context: Context) -> dict[str, Any]:
    kept = ("address1", "address2", "city", "province", "zip", "phone", "latitude", "longitude")
    return {
        "id": f"gid://shopify/ShopAddress/{source['id']}",
        **{key: source[key] for key in kept},
        "provinceCode": source["province_code"],
        "country": source["country_name"],
        "countryCodeV2": source["country_code"],
        "countryCode": source["country_code"],
    }


def _offset(source: Document, context: Context) -> timedelta:
    return context.at.astimezone(ZoneInfo(source["iana_timezone"])).utcoffset() or timedelta()
