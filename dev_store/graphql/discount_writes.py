"""discountCodeBasicCreate and -Update, discountCodeActivate, -Deactivate and -Delete.

What must stay true: a code exists once in a shop whatever its case; switching something to what it already is changes
nothing, not even `updatedAt`.
"""

from typing import Any

from dev_store.graphql.context import Context
from dev_store.graphql.discount_checks import problems
from dev_store.graphql.discount_inputs import changed, new_discount
from dev_store.graphql.discount_reads import NODE, node_of, status
from dev_store.graphql.errors import user_error
from dev_store.graphql.gids import gid, number_or_none
from dev_store.graphql.scalars import instant_text
from dev_store.graphql.schema import mutation
from dev_store.state import Document

Payload = dict[str, Any]


@mutation("discountCodeBasicCreate")
def create(_source: Any, context: Context, basic_code_discount: dict[str, Any]) -> Payload:
    errors = problems(context, basic_code_discount, None)
    if errors:
        return _payload(None, *errors)
    document = new_discount(context, basic_code_discount)
    context.state.put(context.shop, "discount", document["id"], document)
    return _payload(document)


@mutation("discountCodeBasicUpdate")
def update(_source: Any, context: Context, id_: str, basic_code_discount: dict[str, Any]) -> Payload:
    held = find(context, id_)
    if held is None:
        return _payload(None, _missing("Discount does not exist"))
    errors = problems(context, basic_code_discount, held)
    if errors:
        return _payload(None, *errors)
    return _payload(_saved(context, changed(context, held, basic_code_discount)))


@mutation("discountCodeActivate")
def activate(_source: Any, context: Context, id_: str) -> Payload:
    """An expired discount loses its end, a scheduled one starts now, an active one stays as it is."""
    return _switch(context, id_, {"EXPIRED": {"ends_at": None}, "SCHEDULED": {"starts_at": instant_text(context.at)}})


@mutation("discountCodeDeactivate")
def deactivate(_source: Any, context: Context, id_: str) -> Payload:
    """The end is now; a scheduled discount starts and ends now; an expired one stays as it is."""
    now = instant_text(context.at)
    return _switch(context, id_, {"ACTIVE": {"ends_at": now}, "SCHEDULED": {"starts_at": now, "ends_at": now}})


@mutation("discountCodeDelete")
def delete(_source: Any, context: Context, id_: str) -> Payload:
    held = find(context, id_)
    if held is None:
        return {"deletedCodeDiscountId": None, "userErrors": [_missing("Code discount does not exist.")]}
    context.state.delete(context.shop, "discount", held["id"])
    return {"deletedCodeDiscountId": gid(NODE, held["id"]), "userErrors": []}


def find(context: Context, text: str) -> Document | None:
    number = number_or_none(text, NODE)
    return context.state.get(context.shop, "discount", number) if number else None


def _switch(context: Context, text: str, changes: dict[str, dict[str, Any]]) -> Payload:
    """`changes` says, by the status found, what becomes of the document."""
    held = find(context, text)
    if held is None:
        return _payload(None, _missing("Code discount does not exist."))
    change = changes.get(status(held, context))
    if change is None:
        return _payload(held)
    return _payload(_saved(context, {**held, **change, "updated_at": instant_text(context.at)}))


def _saved(context: Context, document: Document) -> Document:
    context.state.put(context.shop, "discount", document["id"], document)
    return document


def _missing(message: str) -> dict[str, Any]:
    return user_error(["id"], message, "INVALID", extraInfo=None)


def _payload(discount: Document | None, *errors: dict[str, Any]) -> Payload:
    return {"codeDiscountNode": node_of(discount), "userErrors": list(errors)}
