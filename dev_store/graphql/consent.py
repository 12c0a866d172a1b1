"""Marketing consent by e-mail and SMS, with the checks the recordings show.

The two differ: a refused e-mail consent still shows the customer, a refused SMS consent does not; a customer without
an e-mail address is left as it is without a word, one without a phone number is an error.
"""

from datetime import datetime
from typing import Any

from dev_store.graphql.context import Context
from dev_store.graphql.errors import refusal, user_error
from dev_store.graphql.gids import number_or_none
from dev_store.graphql.schema import mutation
from dev_store.state import Document

_NOT_FOR_INPUT = ("NOT_SUBSCRIBED", "REDACTED", "INVALID")
CHANNELS = (("email", "emailMarketingConsent"), ("sms", "smsMarketingConsent"))
Payload = dict[str, Any]


@mutation("customerEmailMarketingConsentUpdate")
def update_email_consent(_source: Any, context: Context, input_: dict[str, Any]) -> Payload:
    wanted = input_["emailMarketingConsent"]
    _check_state(wanted["marketingState"])
    customer = _customer(context, input_["customerId"])
    if customer is None:
        return _payload(None, user_error(["input", "customerId"], "Customer not found", "INVALID"))
    if errors := _problems(context, wanted, "emailMarketingConsent"):
        return _payload(customer, *errors)
    if customer["email"]:
        _write(context, customer, wanted, "email")
    return _payload(_customer(context, input_["customerId"]))


@mutation("customerSmsMarketingConsentUpdate")
def update_sms_consent(_source: Any, context: Context, input_: dict[str, Any]) -> Payload:
    wanted = input_["smsMarketingConsent"]
    _check_state(wanted["marketingState"])
    customer = _customer(context, input_["customerId"])
    if customer is None:
        return _payload(None, user_error(None, "Customer not found"))
    if not customer["phone"]:
        message = "A phone number is required to set the SMS consent state."
        return _payload(None, user_error(["input", "smsMarketingConsent"], message, "INVALID"))
    if errors := _problems(context, wanted, "smsMarketingConsent"):
        return _payload(None, *errors)
    _write(context, customer, wanted, "sms")
    return _payload(_customer(context, input_["customerId"]))


def given_with_customer(context: Context, wanted: dict[str, Any]) -> list[Payload]:
    """User errors of the consents in customerCreate's input, checked as the mutations of their own check them."""
    errors = []
    for _, key in CHANNELS:
        if entry := wanted.get(key):
            _check_state(entry["marketingState"])
            errors += _problems(context, entry, key)
    return errors


def write_given(context: Context, number: int, wanted: dict[str, Any]) -> None:
    """Records the consents a new customer came with; one without its address or number is left out."""
    for kind, key in CHANNELS:
        customer = context.state.get(context.shop, "customer", number)
        if wanted.get(key) and customer and customer["email" if kind == "email" else "phone"]:
            _write(context, customer, wanted[key], kind)


def _check_state(state: str) -> None:
    """States Shopify keeps to itself are a top-level error, not a user error."""
    if state in _NOT_FOR_INPUT:
        raise refusal(f"Cannot specify {state} as a marketing state input", "INVALID")


def _problems(context: Context, wanted: dict[str, Any], key: str) -> list[Payload]:
    level, state, updated = wanted.get("marketingOptInLevel"), wanted["marketingState"], wanted.get("consentUpdatedAt")
    field = ["input", key]
    if state == "PENDING" and level != "CONFIRMED_OPT_IN":
        message = "Marketing opt in level must be confirmed opt-in for pending consent state"
        return [user_error([*field, "marketingOptInLevel"], message, "INVALID")]
    if state == "SUBSCRIBED" and level is None:
        message = "Marketing opt in level must exist"
        return [user_error([*field, "marketingOptInLevel"], message, "MISSING_ARGUMENT")]
    if isinstance(updated, datetime) and updated > context.at:
        message = "Consent updated at must not be in the future"
        return [user_error([*field, "consentUpdatedAt"], message, "INVALID")]
    return []


def _write(context: Context, customer: Document, wanted: dict[str, Any], kind: str) -> None:
    """Through the shop's verb, which announces it; the instant of the consent itself may lie in the past."""
    held = customer[f"_{kind}_marketing_consent"]
    level = (wanted.get("marketingOptInLevel") or held["opt_in_level"] or "SINGLE_OPT_IN").lower()
    verb = context.commerce.set_email_consent if kind == "email" else context.commerce.set_sms_consent
    verb(customer["id"], wanted["marketingState"].lower(), at=context.at, opt_in=level)
    if updated := wanted.get("consentUpdatedAt"):
        document = context.state.get(context.shop, "customer", customer["id"]) or customer
        document[f"_{kind}_marketing_consent"]["consent_updated_at"] = updated.isoformat()
        context.state.put(context.shop, "customer", customer["id"], document)


def _customer(context: Context, text: str) -> Document | None:
    number = number_or_none(text, "Customer")
    return context.state.get(context.shop, "customer", number) if number else None


def _payload(customer: Document | None, *errors: Payload) -> Payload:
    return {"customer": customer, "userErrors": list(errors)}
