"""Many codes under one discount: discountRedeemCodeBulkAdd, its result, discountCodeRedeemCodeBulkDelete.

At Shopify both run in the background. Here the work is done at once, but the answer of the mutation shows the job as it
looks there at that moment: added codes not yet imported.
"""

from typing import Any

from dev_store.graphql.connections import connection
from dev_store.graphql.context import Context
from dev_store.graphql.discount_checks import code_problem
from dev_store.graphql.discount_reads import node_of, redeem_code
from dev_store.graphql.discount_writes import find
from dev_store.graphql.errors import refusal, user_error
from dev_store.graphql.gids import gid, number_of, number_or_none
from dev_store.graphql.scalars import instant_text
from dev_store.graphql.schema import mutation, query, resolves
from dev_store.graphql.search import matches, parse
from dev_store.state import Document

MOST_CODES = 250
Payload = dict[str, Any]


@mutation("discountRedeemCodeBulkAdd")
def bulk_add(_source: Any, context: Context, discount_id: str, codes: list[dict[str, str]]) -> Payload:
    if len(codes) > MOST_CODES:
        message = f"The input array size of {len(codes)} is greater than the maximum allowed of {MOST_CODES}."
        raise refusal(message, "MAX_INPUT_SIZE_EXCEEDED")
    discount = find(context, discount_id)
    if discount is None:
        return {"bulkCreation": None, "userErrors": [_missing()]}
    if not codes:
        blank = user_error(["codes"], "Codes can't be blank", "BLANK", extraInfo=None)
        return {"bulkCreation": None, "userErrors": [blank]}
    creation = {
        "id": context.state.next_id(context.shop, "bulk_creation"),
        "discount_id": discount["id"],
        "created_at": instant_text(context.at),
        "codes": [_add(context, discount, entry["code"]) for entry in codes],
    }
    context.state.put(context.shop, "discount", discount["id"], discount | {"updated_at": instant_text(context.at)})
    context.state.put(context.shop, "bulk_creation", creation["id"], creation)
    running = {**_counts(creation), "done": False, "importedCount": 0, "failedCount": 0}
    return {"bulkCreation": running, "userErrors": []}


@query("discountRedeemCodeBulkCreation")
def bulk_creation(_source: Any, context: Context, id_: str) -> Document | None:
    number = number_of(id_, "DiscountRedeemCodeBulkCreation")
    creation = context.state.get(context.shop, "bulk_creation", number)
    return {**_counts(creation), "done": True} if creation else None


@resolves("DiscountRedeemCodeBulkCreation", "codes")
def created_codes(source: Document, _context: Context, **page: Any) -> dict[str, Any]:
    entries = [
        {
            "code": entry["code"],
            "discountRedeemCode": redeem_code(entry) if entry["id"] else None,
            "errors": entry["errors"],
            "_place": place,
        }
        for place, entry in enumerate(source["codes"])
    ]
    return connection(entries, key=lambda entry: entry["_place"], **page)


@resolves("DiscountRedeemCodeBulkCreation", "discountCode")
def discount_code(source: Document, context: Context) -> dict[str, Any] | None:
    return node_of(context.state.get(context.shop, "discount", source["discount_id"]))


@mutation("discountCodeRedeemCodeBulkDelete")
def bulk_delete(
    _source: Any,
    context: Context,
    discount_id: str,
    ids: list[str] | None = None,
    search: str | None = None,
    saved_search_id: str | None = None,
) -> Payload:
    """By ids or by a search over the codes, one of them."""
    chosen = [way for way in (ids, search, saved_search_id) if way]
    if len(chosen) != 1:
        message, code = (
            ("Only one of 'ids', 'search' or 'saved_search_id' is allowed.", "TOO_MANY_ARGUMENTS")
            if chosen
            else ("Missing expected argument key: 'ids', 'search' or 'saved_search_id'.", "MISSING_ARGUMENT")
        )
        return {"job": None, "userErrors": [user_error(None, message, code, extraInfo=None)]}
    discount = find(context, discount_id)
    if discount is None:
        return {"job": None, "userErrors": [_missing()]}
    gone = _chosen(discount, ids or [], search)
    discount["codes"] = [code for code in discount["codes"] if code["id"] not in gone]
    context.state.put(context.shop, "discount", discount["id"], discount | {"updated_at": instant_text(context.at)})
    job = {"id": gid("Job", context.state.next_id(context.shop, "job")), "done": True}
    return {"job": job, "userErrors": []}


def _chosen(discount: Document, ids: list[str], search: str | None) -> set[int | None]:
    if ids:
        return {number_or_none(text, "DiscountRedeemCode") for text in ids}
    terms = parse(search)
    readers = {"default": lambda code: code["code"], "code": lambda code: code["code"]}
    return {code["id"] for code in discount["codes"] if matches(terms, code, readers)}


def _add(context: Context, discount: Document, code: str) -> Document:
    """One code of the batch: added to the discount, or with its errors."""
    same = any(held["code"].lower() == code.strip().lower() for held in discount["codes"])
    problem = code_problem(context, code, own_id=discount["id"])
    if same and problem is None:
        problem = "Code must be unique. Please try a different code.", "TAKEN"
    if problem:
        errors = [user_error(["code"], problem[0], problem[1], extraInfo=None)]
        return {"id": None, "code": code, "usage_count": 0, "errors": errors}
    entry = {"id": context.state.next_id(context.shop, "redeem_code"), "code": code.strip(), "usage_count": 0}
    discount["codes"].append(entry)
    return {**entry, "errors": []}


def _counts(creation: Document) -> Document:
    imported = sum(1 for entry in creation["codes"] if entry["id"])
    total = len(creation["codes"])
    return {**creation, "codesCount": total, "importedCount": imported, "failedCount": total - imported}


def _missing() -> dict[str, Any]:
    return user_error(["discountId"], "Code discount does not exist.", "INVALID", extraInfo=None)
