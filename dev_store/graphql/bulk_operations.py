"""bulkOperationRunQuery, bulkOperationCancel, and the reads; what they start is in `dev_store.bulk`."""

from typing import Any

from dev_store.bulk import operations
from dev_store.bulk.rules import document_of, refusals
from dev_store.graphql.connections import connection
from dev_store.graphql.context import Context
from dev_store.graphql.errors import user_error
from dev_store.graphql.gids import gid, number_of
from dev_store.graphql.schema import mutation, query
from dev_store.graphql.search import matches, parse
from dev_store.state import Document

_SEARCH = {
    "default": lambda doc: doc["id"],
    "id": lambda doc: doc["id"],
    "status": lambda doc: doc["status"],
    "operation_type": lambda doc: doc["type"],
}


@query("bulkOperation")
def bulk_operation(_source: Any, context: Context, id_: str) -> Document | None:
    return context.state.get(context.shop, operations.KIND, number_of(id_, "BulkOperation"))


@query("bulkOperations")
def bulk_operations(
    _source: Any,
    context: Context,
    query: str | None = None,
    sort_key: str = "CREATED_AT",
    reverse: bool = False,
    **page: Any,
) -> dict[str, Any]:
    """The newest first; ids grow with time, so both sort keys are one."""
    del sort_key
    terms = parse(query)
    found = [one for one in context.state.all(context.shop, operations.KIND) if matches(terms, one, _SEARCH)]
    return connection(found, reverse=not reverse, **page)


@query("currentBulkOperation")
def current_bulk_operation(_source: Any, context: Context, **_more: Any) -> Document | None:
    found = list(context.state.all(context.shop, operations.KIND))
    return found[-1] if found else None


@mutation("bulkOperationRunQuery")
def run_query(_source: Any, context: Context, query: str, group_objects: bool = False) -> dict[str, Any]:
    """`groupObjects` is accepted; lines are never grouped here, which a reader must be able to stand."""
    del group_objects
    try:
        document = document_of(query)
    except ValueError as error:
        return _refused([str(error)])
    if words := refusals(document):
        return _refused(words)
    busy = operations.running(context.store, context.shop)
    if len(busy) >= operations.AT_ONCE:
        ids = ", ".join(gid("BulkOperation", one["id"]) for one in busy)
        words_of_busy = f"A bulk query operation for this app and shop is already in progress: {ids}."
        return {"bulkOperation": None, "userErrors": [user_error(None, words_of_busy, "OPERATION_IN_PROGRESS")]}
    return {"bulkOperation": operations.start(context, query, document), "userErrors": []}


def _refused(words: list[str]) -> dict[str, Any]:
    return {"bulkOperation": None, "userErrors": [user_error(["query"], one, "INVALID") for one in words]}


@mutation("bulkOperationCancel")
def cancel(_source: Any, context: Context, id_: str) -> dict[str, Any]:
    operation = context.state.get(context.shop, operations.KIND, number_of(id_, "BulkOperation"))
    if operation is None:
        return {"bulkOperation": None, "userErrors": [user_error(["id"], "Bulk operation does not exist")]}
    return {"bulkOperation": operations.cancel(context, operation), "userErrors": []}
