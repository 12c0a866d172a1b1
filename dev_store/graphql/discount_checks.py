"""What Shopify refuses in the input of a basic code discount, with its codes and words where they were recorded.

`discount_writes` asks `problems` before it builds a document. Paths start with the mutation's argument. An error that
is the caller's programming mistake rather than a merchant's (a tag added and removed at once) is a top-level one.
"""

from collections.abc import Iterator
from typing import Any

from dev_store.graphql.context import Context
from dev_store.graphql.errors import refusal, user_error
from dev_store.graphql.gids import number_or_none
from dev_store.graphql.scalars import instant
from dev_store.state import Document

ARGUMENT = "basicCodeDiscount"
LONGEST_CODE = 255
MOST_TAGS = 5
LONGEST_TAG = 255
QUANTITY_BOUND = 2_147_483_647
SUBTOTAL_BOUND = 10**18
TAKEN = "Code must be unique. Please try a different code."

Problem = dict[str, Any]
Problems = Iterator[Problem]


def problems(context: Context, wanted: dict[str, Any], held: Document | None) -> list[Problem]:
    """All user errors of a create (`held` None) or an update, in the order Shopify lists them."""
    _check_tag_stacking(wanted)
    return [
        *_code(context, wanted, held),
        *_blanks(wanted, held),
        *_dates(wanted, held),
        *_value(wanted),
        *_items(context, wanted),
        *_minimum(wanted),
        *_combinations(wanted, held),
        *_customers(context, wanted),
        *_limits(wanted),
    ]


def code_problem(context: Context, code: str | None, *, own_id: int | None = None) -> tuple[str, str] | None:
    """(message, error code) of a code that cannot be: blank, too short, with a line break, too long, taken."""
    if code is None:
        return "Code can't be blank", "BLANK"
    if code == "":
        return "Code is too short (minimum is 1 character)", "TOO_SHORT"
    if "\n" in code or "\r" in code:
        return "Code cannot contain newline characters.", "INVALID"
    if len(code) > LONGEST_CODE:
        return f"Code is too long (maximum is {LONGEST_CODE} characters)", "TOO_LONG"
    owners = context.state.find(context.shop, "discount", "code", code.strip().lower())
    if any(owner["id"] != own_id for owner in owners):
        return TAKEN, "TAKEN"
    return None


def _error(field: str, message: str, code: str) -> Problem:
    return user_error([ARGUMENT, *field.split(".")], message, code, extraInfo=None)


def _code(context: Context, wanted: dict[str, Any], held: Document | None) -> Problems:
    if held is not None and "code" not in wanted:
        return
    problem = code_problem(context, wanted.get("code"), own_id=held["id"] if held else None)
    if problem:
        yield _error("code", *problem)


def _blanks(wanted: dict[str, Any], held: Document | None) -> Problems:
    for key, label in (("title", "Title"), ("startsAt", "Starts at"), ("customerGets", "Customer gets")):
        missing = key not in wanted if held is None else False
        if missing or (key in wanted and wanted[key] in (None, "")):
            yield _error(key, f"{label} can't be blank", "BLANK")
    if held is None and not wanted.get("context") and not wanted.get("customerSelection"):
        yield _error("context", "Context can't be blank", "BLANK")


def _dates(wanted: dict[str, Any], held: Document | None) -> Problems:
    starts = wanted.get("startsAt") or (held and instant(held["starts_at"]))
    ends = wanted["endsAt"] if "endsAt" in wanted else held and held["ends_at"] and instant(held["ends_at"])
    if starts and ends and ends <= starts:
        yield _error("endsAt", "Ends at needs to be after starts_at", "END_DATE_BEFORE_START_DATE")


def _value(wanted: dict[str, Any]) -> Problems:
    gets = wanted.get("customerGets") or {}
    value = gets.get("value") or {}
    if value.get("discountOnQuantity"):
        message = "discountOnQuantity field is only permitted with bxgy discounts."
        yield _error("customerGets.value.discountOnQuantity", message, "INVALID")
    percentage = value.get("percentage")
    if percentage is not None and not 0 < percentage <= 1:
        message = "Value must be between 0.0 and 1.0"
        yield _error("customerGets.value.percentage", message, "VALUE_OUTSIDE_RANGE")
    amount = (value.get("discountAmount") or {}).get("amount")
    if amount is not None and amount <= 0:
        yield _error("customerGets.value.discountAmount.amount", "Value must be greater than 0", "GREATER_THAN")


def _items(context: Context, wanted: dict[str, Any]) -> Problems:
    items = (wanted.get("customerGets") or {}).get("items") or {}
    named = {key for key in ("all", "products", "collections") if items.get(key)}
    if "all" in named and len(named) > 1:
        yield _error("customerGets.items.all", "Cannot be combined with products or collections", "CONFLICT")
    for product in (items.get("products") or {}).get("productsToAdd") or []:
        number = number_or_none(product, "Product")
        if number is None or context.state.get(context.shop, "product", number) is None:
            message = f"Product with id: {number or product} is invalid"
            yield _error("customerGets.items.products.productsToAdd", message, "INVALID")


def _minimum(wanted: dict[str, Any]) -> Problems:
    minimum = wanted.get("minimumRequirement") or {}
    quantity = (minimum.get("quantity") or {}).get("greaterThanOrEqualToQuantity")
    subtotal = (minimum.get("subtotal") or {}).get("greaterThanOrEqualToSubtotal")
    by_subtotal = "minimumRequirement.subtotal.greaterThanOrEqualToSubtotal"
    by_quantity = "minimumRequirement.quantity.greaterThanOrEqualToQuantity"
    if quantity is not None and subtotal is not None:
        yield _error(by_subtotal, "Minimum subtotal cannot be defined when minimum quantity is.", "CONFLICT")
        yield _error(by_quantity, "Minimum quantity cannot be defined when minimum subtotal is.", "CONFLICT")
        return
    if quantity is not None and quantity >= QUANTITY_BOUND:
        yield _error(by_quantity, f"Minimum quantity must be less than {QUANTITY_BOUND}", "LESS_THAN")
    if subtotal is not None and subtotal >= SUBTOTAL_BOUND:
        yield _error(by_subtotal, f"Minimum subtotal must be less than {SUBTOTAL_BOUND}", "LESS_THAN")


def _check_tag_stacking(wanted: dict[str, Any]) -> None:
    tags = (wanted.get("combinesWith") or {}).get("productDiscountsWithTagsOnSameCartLine") or {}
    if set(tags.get("add") or []) & set(tags.get("remove") or []):
        field = "`productDiscountsWithTagsOnSameCartLine`"
        raise refusal(f"The same tag is present in both `add` and `remove` fields of {field}.", "BAD_REQUEST")


def _combinations(wanted: dict[str, Any], held: Document | None) -> Problems:
    """Stacking by tags is for Shopify Plus, which a development store is not, and for the product class."""
    if not (wanted.get("combinesWith") or {}).get("productDiscountsWithTagsOnSameCartLine"):
        return
    field = "combinesWith.productDiscountsWithTagsOnSameCartLine"
    name = "PRODUCT_DISCOUNTS_WITH_TAGS_ON_SAME_CART_LINE"
    message = "The shop's plan does not allow setting `productDiscountsWithTagsOnSameCartLine`."
    yield _error(field, message, f"{name}_NOT_ENTITLED")
    items = (wanted.get("customerGets") or {}).get("items") or (held or {}).get("customer_gets", {}).get("items", {})
    if items.get("all"):
        message = (
            "Combines with product discounts with tags on same cart line is only valid for discounts with the"
            " PRODUCT discount class"
        )
        yield _error(field, message, f"INVALID_{name}_FOR_DISCOUNT_CLASS")


def _customers(context: Context, wanted: dict[str, Any]) -> Problems:
    chosen = (wanted.get("context") or {}).get("customers") or {}
    for customer in chosen.get("add") or []:
        number = number_or_none(customer, "Customer")
        if number is None or context.state.get(context.shop, "customer", number) is None:
            yield _error("context.customers.add", f"Customer with id: {number or customer} is invalid", "INVALID")


def _limits(wanted: dict[str, Any]) -> Problems:
    limit, tags = wanted.get("usageLimit"), wanted.get("tags") or []
    if limit is not None and limit <= 0:
        yield _error("usageLimit", "Usage limit must be greater than 0", "GREATER_THAN")
    if len(tags) > MOST_TAGS:
        yield _error("tags", f"Too many tags (maximum is {MOST_TAGS})", "TOO_MANY_TAGS")
    if any(len(tag) > LONGEST_TAG for tag in tags):
        yield _error("tags", f"Tag is too long (maximum is {LONGEST_TAG} characters)", "INVALID_TAG_LENGTH")
