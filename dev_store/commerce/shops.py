"""Opening a shop: the document that app/uninstalled carries and every verb reads its currency and zone from."""

from datetime import UTC, datetime
from typing import Any

from dev_store.commerce.addresses import COUNTRIES
from dev_store.refusals import RefusalError
from dev_store.state import Document, State


def open_shop(
    state: State,
    domain: str,
    *,
    name: str,
    at: datetime,
    currency: str = "USD",
    timezone: str = "America/New_York",
    country: str = "US",
    email: str | None = None,
    taxes_included: bool = False,
    tax_rate: str = "0",
) -> Document:
    """Makes a shop at a full myshopify domain; RefusalError if there is one already. `tax_rate` '0.2' means 20 %."""
    with state.transaction():
        if state.shop_document(domain):
            raise RefusalError(f"there is a shop at {domain} already")
        opened = at.astimezone(UTC).isoformat(timespec="seconds")
        document = {
            "id": state.next_id(domain, "shop"),
            "name": name,
            "email": email or f"owner@{domain.removesuffix('.myshopify.com')}.example",
            "domain": domain,
            "myshopify_domain": domain,
            "currency": currency,
            "iana_timezone": timezone,
            "timezone": timezone,
            "taxes_included": taxes_included,
            "created_at": opened,
            "updated_at": opened,
            **_place(country),
            **_habits(currency, state.next_id(domain, "location")),
            "_tax_rate": tax_rate,
            "_installed_at": None,
            "_uninstalled_at": None,
        }
        document["customer_email"] = document["email"]
        state.put(domain, "shop", document["id"], document)
        return document


def _place(country: str) -> dict[str, Any]:
    name, city, postcode, province, province_code = COUNTRIES.get(
        country, (country, country, "00000", country, country)
    )
    return {
        "address1": "1 Market Street",
        "address2": None,
        "city": city,
        "province": province,
        "province_code": province_code,
        "zip": postcode,
        "country": country,
        "country_code": country,
        "country_name": name,
        "latitude": None,
        "longitude": None,
        "phone": "",
    }


def _habits(currency: str, location_id: int) -> dict[str, Any]:
    """Settings nobody changes here, with the values of an ordinary development shop."""
    amount = "{{amount}}"
    off = (
        "county_taxes google_apps_login_enabled has_gift_cards marketing_sms_consent_enabled_at_checkout"
        " password_enabled pre_launch_enabled requires_extra_payments_agreement setup_required tax_shipping"
        " transactional_sms_disabled multi_location_enabled"
    )
    on = "checkout_api_supported eligible_for_payments finances has_discounts has_storefront"
    return {
        **dict.fromkeys(off.split(), False),
        **dict.fromkeys(on.split(), True),
        "auto_configure_tax_inclusivity": None,
        "enabled_presentment_currencies": [currency],
        "google_apps_domain": None,
        "money_format": amount,
        "money_in_emails_format": amount,
        "money_with_currency_format": f"{amount} {currency}",
        "money_with_currency_in_emails_format": f"{amount} {currency}",
        "plan_display_name": "Development",
        "plan_name": "partner_test",
        "primary_locale": "en",
        "primary_location_id": location_id,
        "shop_owner": "Perennial Developer",
        "source": None,
        "weight_unit": "kg",
    }
