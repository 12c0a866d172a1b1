"""Query cost as `extensions.cost` reports it.

The rules are Shopify's published ones where they are published (objects 1, scalars 0, mutations 10) and otherwise what
the recordings add up to: money, counts and page information are free, a count at the root is 10, a payload's own
objects are free, a connection is 2 plus its node's cost times floor(2 ln n), at least once. They fit the
recordings' requested cost; actual cost is the same sum over what was really returned.
"""

from collections.abc import Iterator, Mapping
from math import floor, log
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
)

MUTATION = 10.0
COUNT_AT_ROOT = 10.0
MOST_FOR_ONE_QUERY = 1000
_FREE = frozenset({
    "MoneyV2", "MoneyBag", "PageInfo", "Count", "Job", "Attribute", "DiscountUserError",
    "CustomerEmailMarketingConsentState", "CustomerSmsMarketingConsentState",
})  # fmt: skip
_FREE_ALONE = frozenset({"MailingAddress"})  # embedded in its owner, yet counted in a connection
_DEAR = {"StoreCreditAccount": 6.0}
_UNKNOWN: Any = object()


class Costs:
    """Costs of one operation: what it asks for, and what it turned out to be."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> None:
        self._schema, self._operation, self._fragments, self._variables = schema, operation, fragments, variables

    def requested(self) -> int:
        return self._operation_cost(_UNKNOWN)

    def actual(self, data: Any) -> int:
        return self._operation_cost(data)

    def _operation_cost(self, data: Any) -> int:
        root = self._schema.get_root_type(self._operation.operation)
        cost = self._selection(self._operation.selection_set, root, data, at_root=True) if data is not None else 0
        return int(max(cost, 1))

    def _selection(self, selected: SelectionSetNode | None, owner: Any, data: Any, *, at_root: bool = False) -> float:
        """Cost of what is below an object; of alternative fragments the dearest counts."""
        common, alternatives = 0.0, dict[Any, float]()
        for condition, node in self._fields(selected, owner):
            if data is not _UNKNOWN and _key(node) not in data:
                continue
            below = _UNKNOWN if data is _UNKNOWN else data[_key(node)]
            cost = self._field(node, condition, below, at_root=at_root)
            if condition is owner or data is not _UNKNOWN:
                common += cost
            else:
                alternatives[condition] = alternatives.get(condition, 0.0) + cost
        return common + max((self._for(one, alternatives) for one in alternatives), default=0.0)

    def _for(self, wanted: Any, alternatives: dict[Any, float]) -> float:
        """Cost for an object of one type: of its own fragments and those of the interfaces it has."""
        return sum(
            cost
            for condition, cost in alternatives.items()
            if condition is wanted
            or (is_abstract_type(condition) and is_object_type(wanted) and self._schema.is_sub_type(condition, wanted))
        )

    def _fields(self, selected: SelectionSetNode | None, owner: Any) -> Iterator[tuple[Any, FieldNode]]:
        for node in selected.selections if selected else ():
            if isinstance(node, FieldNode):
                yield owner, node
            elif isinstance(node, InlineFragmentNode):
                condition = self._schema.type_map[node.type_condition.name.value] if node.type_condition else owner
                yield from self._fields(node.selection_set, condition)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                condition = self._schema.type_map[fragment.type_condition.name.value]
                yield from self._fields(fragment.selection_set, condition)

    def _field(self, node: FieldNode, owner: Any, data: Any, *, at_root: bool) -> float:
        definition = _definition(owner, node)
        if definition is None:
            return 0.0
        kind = get_named_type(definition.type)
        if is_leaf_type(kind) or kind.name.endswith("UserError") or kind.name == "UserError":
            return 0.0
        if at_root and self._operation.operation.value == "mutation":
            return MUTATION + self._payload(node, kind, data)
        if kind.name == "Count":
            return COUNT_AT_ROOT if at_root else 1.0
        if kind.name.endswith("Connection"):
            return self._connection(node, kind, data)
        alone = not is_list_type(get_nullable_type(definition.type))
        free = kind.name in _FREE or kind.name.endswith("Edge") or (alone and kind.name in _FREE_ALONE)
        own = 0.0 if free else _DEAR.get(kind.name, 1.0)
        return own + self._below(node, kind, data)

    def _payload(self, node: FieldNode, kind: Any, data: Any) -> float:
        """The payload and the objects directly in it are part of the mutation's 10."""
        if data is None:
            return 0.0
        total = 0.0
        for _, child in self._fields(node.selection_set, kind):
            definition = _definition(kind, child)
            if definition is None or get_named_type(definition.type).name.endswith("UserError"):
                continue
            below = _UNKNOWN if data is _UNKNOWN else data.get(_key(child))
            total += self._below(child, get_named_type(definition.type), below)
        return total

    def _connection(self, node: FieldNode, kind: Any, data: Any) -> float:
        if data is _UNKNOWN:
            size = self._argument(node, "first") or self._argument(node, "last") or 1
        else:
            size = max((len(data[key]) for key in ("nodes", "edges") if data and data.get(key)), default=1)
        factor = max(1, floor(2 * log(size)))
        return 2.0 + factor * self._below(node, kind, data)

    def _below(self, node: FieldNode, kind: Any, data: Any) -> float:
        if data is None or is_leaf_type(kind):
            return 0.0
        if isinstance(data, list):
            return max((self._selection(node.selection_set, kind, item) for item in data if item), default=0.0)
        return self._selection(node.selection_set, kind, data)

    def _argument(self, node: FieldNode, name: str) -> int | None:
        for argument in node.arguments or ():
            if argument.name.value == name:
                if isinstance(argument.value, IntValueNode):
                    return int(argument.value.value)
                if isinstance(argument.value, VariableNode):
                    given = self._variables.get(argument.value.name.value)
                    return int(given) if isinstance(given, int) else None
        return None


def _key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _definition(owner: Any, node: FieldNode) -> GraphQLField | None:
    """The field as the schema defines it; None for `__typename` and other introspection, which is free."""
    if isinstance(owner, GraphQLObjectType | GraphQLInterfaceType):
        found: GraphQLField | None = owner.fields.get(node.name.value)
        return found
    return None
