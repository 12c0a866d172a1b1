"""Runs one GraphQL operation against the published schema: parse, validate, price, execute, in Shopify's order.

`routes` calls `execute`. Nothing is answered that the schema does not allow; a field nobody resolves is an error of
that field. Mutations are kept whole: each root field runs in one transaction of the state.
"""

import logging
import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    get_named_type,
    get_operation_ast,
    is_enum_type,
    parse,
    validate,
)
from graphql import execute as run

from dev_store.graphql import cost, wording
from dev_store.graphql.context import Context
from dev_store.graphql.errors import not_implemented
from dev_store.graphql.gids import gid
from dev_store.graphql.schema import RESOLVERS, admin_schema, required_scopes
from dev_store.graphql.variables import problems_with
from dev_store.rate import Buckets

Info = GraphQLResolveInfo[Context]
logger = logging.getLogger(__name__)
Body = dict[str, Any]

_COST_PAGE = "https://shopify.dev/api/usage/rate-limits"
_SCOPE_PAGE = "https://shopify.dev/api/usage/access-scopes"


@dataclass(frozen=True)
class Request:
    """The body of a POST, its shape already checked."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


@lru_cache(maxsize=512)
def prepare(query: str) -> tuple[DocumentNode | None, tuple[Body, ...]]:
    """The document, or what is wrong with it in Shopify's words."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return None, (wording.parse_error(error),)
    errors = validate(admin_schema(), document)
    return document, tuple(wording.translated(error, document) for error in errors)


def operation_name(request: Request) -> str:
    """What faults and logs call the operation; empty when it has no name."""
    document, _ = prepare(request.query)
    operation = get_operation_ast(document, request.operation_name) if document else None
    return operation.name.value if operation and operation.name else ""


def execute(context: Context, request: Request, buckets: Buckets, *, throttle: bool = False) -> Body:
    """The whole answer, which is HTTP 200 whatever it says. `throttle` makes the bucket look empty."""
    document, errors = prepare(request.query)
    if document is None or errors:
        return {"errors": list(errors)}
    operation = get_operation_ast(document, request.operation_name)
    if operation is None:
        return {"errors": [{"message": "An operation name is required", "locations": []}]}
    if problems := problems_with(admin_schema(), operation, request.variables):
        return {"errors": problems}
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    costs = cost.Costs(admin_schema(), operation, fragments, request.variables)
    requested = costs.requested()
    if requested > cost.MOST_FOR_ONE_QUERY:
        return {"errors": [_too_dear(requested)]}
    if throttle or not buckets.take(context.shop, requested):
        return _throttled(requested, buckets.status(context.shop))
    found = answer(context, document, operation, request)
    actual = min(requested, costs.actual(found["data"]))
    buckets.give_back(context.shop, requested - actual)
    figures = {"requestedQueryCost": requested, "actualQueryCost": actual}
    found["extensions"] = {"cost": figures | {"throttleStatus": buckets.status(context.shop)}}
    return found


def answer(context: Context, document: DocumentNode, operation: OperationDefinitionNode, request: Request) -> Body:
    """Data and errors of a prepared document, which costs nothing: bulk operations are not counted."""
    result = run(
        admin_schema(),
        document,
        context_value=context,
        variable_values=request.variables,
        operation_name=operation.name.value if operation.name else None,
        field_resolver=_resolve,
    )
    assert not hasattr(result, "__await__"), "resolvers are plain functions"
    body: Body = {"data": result.data}
    if result.errors:
        body = {"errors": [_execution_error(error) for error in result.errors], **body}
    return body


def _resolve(source: Any, info: Info, **arguments: Any) -> Any:
    """The one field resolver: registry, then the document's own key, else an honest refusal."""
    owner, name, context = info.parent_type.name, info.field_name, info.context
    _check_scopes(context, info)
    resolver = RESOLVERS.get((owner, name))
    if resolver:
        kept_whole = context.state.transaction() if owner == "Mutation" else nullcontext()
        with kept_whole:
            value = resolver(source, context, **{_parameter(key): item for key, item in arguments.items()})
    else:
        value = _from_document(source, owner, name)
    return _presented(value, info)


def _from_document(source: Any, owner: str, name: str) -> Any:
    """Documents are webhook-shaped: the field's own name, or the same in snake_case."""
    if isinstance(source, Mapping):
        for key in (name, _snake(name)):
            if key in source:
                return source[key]
    raise not_implemented(owner, name)


def _presented(value: Any, info: Info) -> Any:
    """Numbers of documents as global ids, their lower-case words as enum members."""
    if value is None:
        return None
    kind = get_named_type(info.return_type)
    if kind.name == "ID" and isinstance(value, int):
        return gid(info.parent_type.name, value)
    if is_enum_type(kind):
        return [str(one).upper() for one in value] if isinstance(value, list) else str(value).upper()
    return value


def _check_scopes(context: Context, info: Info) -> None:
    """ACCESS_DENIED for a field, or an object, that none of the token's scopes opens."""
    scopes = required_scopes()
    kind = get_named_type(info.return_type).name
    for owner, field in ((info.parent_type.name, info.field_name), (kind.removesuffix("Connection"), None)):
        wanted = scopes.get((owner, field))
        if wanted and not context.grants(wanted[0]):
            message = f"Access denied for {info.field_name} field. Required access: {wanted[1]}"
            extensions = {"code": "ACCESS_DENIED", "documentation": _SCOPE_PAGE, "requiredAccess": wanted[1]}
            raise GraphQLError(message, extensions=extensions)


def _execution_error(error: GraphQLError) -> Body:
    if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
        logger.error("a resolver of the development store failed", exc_info=error.original_error)
        error = GraphQLError(
            f"Internal error. {type(error.original_error).__name__} in the dev store: see its log.",
            error.nodes,
            path=error.path,
            extensions={"code": "INTERNAL_SERVER_ERROR"},
        )
    form = error.formatted
    answer: Body = {"message": form["message"], "locations": list(form.get("locations", []))[:1]}
    if form.get("extensions"):
        answer["extensions"] = form["extensions"]
    if form.get("path"):
        answer["path"] = form["path"]
    return answer


def _throttled(requested: int, status: Mapping[str, Any]) -> Body:
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": _COST_PAGE}}
    figures = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}
    return {"errors": [error], "extensions": {"cost": figures}}


def _too_dear(requested: int) -> Body:
    most = cost.MOST_FOR_ONE_QUERY
    message = f"Query cost is {requested}, which exceeds the single query max cost limit ({most}). See {_COST_PAGE}"
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": most, "documentation": _COST_PAGE}
    return {"message": message, "extensions": extensions}


def _parameter(name: str) -> str:
    """An argument's name in a resolver: snake_case, and not the name of a builtin."""
    return f"{name}_" if name in ("id", "input") else _snake(name)


@lru_cache(maxsize=4096)
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
