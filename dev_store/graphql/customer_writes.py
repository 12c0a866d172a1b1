"""customerSet, customerCreate, customerUpdate, customerDelete: the verbs of `commerce` under Shopify's checks."""

import re
from typing import Any

from dev_store.commerce import RefusalError
from dev_store.graphql import consent, metafields
from dev_store.graphql.context import Context
from dev_store.graphql.customer_addresses import address_document
from dev_store.graphql.errors import refusal, user_error
from dev_store.graphql.gids import gid, number_of, number_or_none
from dev_store.graphql.schema import mutation
from dev_store.state import Document

Payload = dict[str, Any]
Errors = list[dict[str, Any]]

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+\Z")
_PHONE = re.compile(r"\+?[0-9 ()./-]{5,20}\Z")
_CONSENTS = tuple(key for _, key in consent.CHANNELS)
_OWN_MUTATION = "To update {}, please use the customer{}Update Mutation instead"
_LENGTHS = (("firstName", "First name", 255), ("lastName", "Last name", 255), ("note", "Note", 5000))
_PLAIN = {
    "firstName": "first_name", "lastName": "last_name", "note": "note", "taxExempt": "tax_exempt",
}  # fmt: skip


@mutation("customerSet")
def customer_set(
    _source: Any,
    context: Context,
    input_: dict[str, Any],
    identifier: dict[str, Any] | None = None,
) -> Payload:
    """Creates or updates: by identifier (an id must exist, e-mail and phone may), by the input's id, else new."""
    customer, errors = _target(context, input_, identifier or {})
    if not errors:
        errors = _problems(context, input_, customer)
    return _payload(None, errors) if errors else _payload(_write(context, input_, customer), [])


@mutation("customerCreate")
def customer_create(_source: Any, context: Context, input_: dict[str, Any]) -> Payload:
    if input_.get("id"):
        return _payload(None, [user_error(["id"], "Cannot specify id on creation")])
    errors = [*_problems(context, input_, None), *consent.given_with_customer(context, input_)]
    if errors:
        return _payload(None, [_unprefixed(error) for error in errors])
    number = _write(context, input_, None)["id"]
    consent.write_given(context, number, input_)
    return _write_metafields(context, number, input_)


@mutation("customerUpdate")
def customer_update(_source: Any, context: Context, input_: dict[str, Any]) -> Payload:
    """Consent has mutations of its own; here it is refused."""
    customer = _by_id(context, input_.get("id"))
    if customer is None:
        return _payload(None, [user_error(["id"], "Customer does not exist")])
    errors = [_unprefixed(error) for error in _problems(context, input_, customer)]
    errors += [
        user_error([key], _OWN_MUTATION.format(key, key[0].upper() + key[1:])) for key in _CONSENTS if key in input_
    ]
    if errors:
        return _payload(None, errors)
    return _write_metafields(context, _write(context, input_, customer)["id"], input_)


@mutation("customerDelete")
def customer_delete(_source: Any, context: Context, input_: dict[str, Any]) -> Payload:
    number = number_of(input_["id"], "Customer")
    answer: Payload = {"deletedCustomerId": None, "shop": context.shop_document, "userErrors": []}
    if context.state.get(context.shop, "customer", number) is None:
        return {**answer, "userErrors": [user_error(["id"], "Customer can't be found")]}
    try:
        context.commerce.delete_customer(number, at=context.at)
    except RefusalError:
        message = "Customer can’t be deleted because they have associated orders"
        return {**answer, "userErrors": [user_error(["id"], message)]}
    return {**answer, "deletedCustomerId": gid("Customer", number)}


def _target(context: Context, wanted: dict[str, Any], identifier: dict[str, Any]) -> tuple[Document | None, Errors]:
    """The customer customerSet means, None for a new one, and what is wrong with the way it is named."""
    if identifier and wanted.get("id"):
        message = "The id field is not allowed if identifier is provided."
        return None, [user_error(["input"], message, "ID_NOT_ALLOWED")]
    if "customId" in identifier:
        raise refusal("Metafield definition of type 'id' is required when using custom ids.", "NOT_FOUND")
    named = identifier.get("id") or wanted.get("id")
    if named:
        customer = _by_id(context, named)
        missing = user_error(["input"], "Resource matching the identifier was not found.", "NOT_FOUND")
        return customer, [] if customer else [missing]
    for key in ("email", "phone"):
        if key in identifier:
            return _by_contact(context, wanted, key, identifier[key])
    return None, []


def _by_contact(context: Context, wanted: dict[str, Any], key: str, value: str) -> tuple[Document | None, Errors]:
    """E-mail and phone must stand in the input too, and there be the same."""
    if wanted.get(key) is None:
        message = "The input field corresponding to the identifier is required."
        return None, [user_error(["input"], message, "MISSING_FIELD_REQUIRED")]
    if _clean(wanted[key]) != _clean(value):
        message = "The identifier value does not match the value of the corresponding field in the input."
        return None, [user_error(["input"], message, "INPUT_MISMATCH")]
    return next(iter(context.state.find(context.shop, "customer", key, _clean(value))), None), []


def _problems(context: Context, wanted: dict[str, Any], customer: Document | None) -> Errors:
    errors = []
    if "taxExempt" in wanted and wanted["taxExempt"] is None:
        errors.append(user_error(["input", "taxExempt"], "Tax exempt is of unexpected type NilClass", "INVALID"))
    for key, form, label in (("email", _EMAIL, "Email"), ("phone", _PHONE, "Phone")):
        value = _clean(wanted.get(key) or "")
        if not value:
            continue
        owners = context.state.find(context.shop, "customer", key, value)
        if not form.match(value):
            errors.append(user_error(["input", key], f"{label} is invalid", "INVALID"))
        elif any(customer is None or owner["id"] != customer["id"] for owner in owners):
            errors.append(user_error(["input", key], f"{label} has already been taken", "TAKEN"))
    for key, label, most in _LENGTHS:
        if len(wanted.get(key) or "") > most:
            message = f"{label} is too long (maximum is {most} characters)"
            errors.append(user_error(["input", key], message, "TOO_LONG"))
    if not errors and not _has_identity(wanted, customer or {}):
        message = "A name, phone number, or email address must be present"
        errors.append(user_error(["input"], message, "INVALID"))
    return errors


def _has_identity(wanted: dict[str, Any], held: Document) -> bool:
    pairs = (("email", "email"), ("phone", "phone"), ("firstName", "first_name"), ("lastName", "last_name"))
    return any(wanted[key] if key in wanted else held.get(column) for key, column in pairs)


def _write(context: Context, wanted: dict[str, Any], customer: Document | None) -> Document:
    """The verbs announce the change; what a verb does not know is written beside it, in the same transaction."""
    if customer is None:
        number = context.commerce.create_customer(
            at=context.at,
            email=_clean(wanted.get("email") or "") or None,
            phone=wanted.get("phone") or None,
            first_name=wanted.get("firstName"),
            last_name=wanted.get("lastName"),
            language=wanted.get("locale"),
            tags=_tags(wanted.get("tags")),
        )
        changes = {
            column: wanted[key] for key, column in _PLAIN.items() if key in ("note", "taxExempt") and key in wanted
        }
        _write_rest(context, number, wanted | {"addresses": wanted.get("addresses") or []}, changes)
    else:
        number = customer["id"]
        context.commerce.update_customer(number, at=context.at, **_changes(wanted))
        _write_rest(context, number, wanted, {})
    document = context.state.get(context.shop, "customer", number)
    assert document is not None
    return document


def _changes(wanted: dict[str, Any]) -> dict[str, Any]:
    changes = {column: wanted[key] for key, column in _PLAIN.items() if key in wanted}
    for key in ("email", "phone"):
        if key in wanted:
            changes[key] = _clean(wanted[key] or "") or None
    if wanted.get("tags") is not None:
        changes["tags"] = _tags(wanted["tags"])
    if wanted.get("locale"):
        changes["language"] = wanted["locale"]
    return changes


def _write_rest(context: Context, number: int, wanted: dict[str, Any], changes: dict[str, Any]) -> None:
    document = context.state.get(context.shop, "customer", number)
    assert document is not None
    document |= changes
    if wanted.get("taxExemptions") is not None:
        document["tax_exemptions"] = wanted["taxExemptions"]
    if wanted.get("addresses") is not None:
        document["_addresses"] = [address_document(context, number, entry) for entry in wanted["addresses"]]
    context.state.put(context.shop, "customer", number, document)


def _tags(tags: list[str] | None) -> list[str]:
    """As Shopify keeps them: trimmed, each once, in alphabetical order whatever the case."""
    kept = {tag.strip().lower(): tag.strip() for tag in tags or [] if tag.strip()}
    return [kept[key] for key in sorted(kept)]


def _write_metafields(context: Context, number: int, wanted: dict[str, Any]) -> Payload:
    """The metafields of the input, through metafieldsSet; one that is refused takes the customer back with it."""
    owner = gid("Customer", number)
    entries = [{**entry, "ownerId": owner} for entry in wanted.get("metafields") or []]
    errors = metafields.metafields_set(None, context, entries)["userErrors"] if entries else []
    if errors:
        raise refusal(f"metafields of a customer: {errors[0]['message']}", "INVALID")
    return _payload(_by_id(context, owner), [])


def _by_id(context: Context, text: Any) -> Document | None:
    number = number_or_none(text, "Customer")
    return context.state.get(context.shop, "customer", number) if number else None


def _clean(text: str) -> str:
    return text.strip().lower()


def _unprefixed(error: dict[str, Any]) -> dict[str, Any]:
    """customerCreate and customerUpdate name the field without the argument, and none for the whole input."""
    return {**error, "field": error["field"][1:] or None}


def _payload(customer: Document | None, errors: Errors) -> Payload:
    return {"customer": customer, "userErrors": errors}
