"""Finds what was asked and answered in a recording, by structure: files of the same kind may be laid out differently.

An answer is an object with `data` or `errors` (alone, or under `response`, `payload` or `body`); its request is the
`query` and `variables` beside it, or those kept under the same name in the file's `requests`, or the only query of the
file that answers with the same root keys. Where no query was kept, `rebuild` makes one. `upstreamCalls` are what the
recorder read before a scenario; they tell what was there (`seeds`), and are not asked again.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphql import FieldNode, NonNullTypeNode, OperationDefinitionNode, parse, print_ast
from graphql.error import GraphQLSyntaxError

Json = dict[str, Any]
_UPSTREAM = "upstreamCalls"
_ANSWER_KEYS = ("response", "payload", "body", "value")


class UnreadableRecording(Exception):
    """A file that is no JSON; the message names it."""


@dataclass(frozen=True)
class Step:
    """One request and its recorded answer. `query` is None where the recording holds none that fits."""

    name: str
    answer: Json
    query: str | None = None
    variables: Json | None = None

    @property
    def data(self) -> Json:
        return self.answer.get("data") or {}


@dataclass(frozen=True)
class Recording:
    """`upstream` are answers to reads made before the scenario, `hints` values the file's `variables` name."""

    path: Path
    steps: list[Step]
    upstream: list[Json]
    hints: Json = field(default_factory=dict)


def load(folder: Path) -> list[Recording]:
    """Every recording below the folder, in the order of the paths. Raises UnreadableRecording."""
    recordings = []
    for path in sorted(folder.rglob("*.json")):
        try:
            recordings.append(_read(path, json.loads(path.read_text("utf-8"))))
        except ValueError as error:
            raise UnreadableRecording(f"{path}: {error}") from error
    return recordings


def _read(path: Path, content: Any) -> Recording:
    upstream = [call["response"]["body"] for call in _upstream_calls(content)]
    hints: Json = {}
    for key in ("variables", "proxyVariables"):
        named = content.get(key) if isinstance(content, dict) else None
        hints |= named if isinstance(named, dict) else {}
    requests = dict(_requests(content))
    texts = [request["query"] for request in requests.values()]
    texts += [call["query"] for call in _upstream_calls(content) if call.get("query")]
    steps = [_with_request(step, requests, texts, hints) for step in _answers(content, "")]
    return Recording(path, steps, upstream, hints)


def _upstream_calls(content: Any) -> list[Json]:
    calls = content.get(_UPSTREAM) or [] if isinstance(content, dict) else []
    return [call for call in calls if isinstance((call.get("response") or {}).get("body"), dict)]


def _requests(node: Any, name: str = "") -> Iterator[tuple[str, Json]]:
    """Queries by the name under which they stand."""
    if not isinstance(node, dict):
        return
    if isinstance(node.get("query"), str) and "{" in node["query"]:
        yield name, node
    for key, child in node.items():
        if key != _UPSTREAM:
            yield from _requests(child, key)


def _answers(node: Any, name: str) -> Iterator[Step]:
    """Every answer in the order of the file, with the request beside it if there is one."""
    if isinstance(node, list):
        for place, child in enumerate(node):
            yield from _answers(child, f"{name}[{place}]")
    if not isinstance(node, dict):
        return
    answer = _answer_in(node)
    for key, child in node.items() if answer is None or answer is not node else ():
        if key in (_UPSTREAM, "request", "variables", *_ANSWER_KEYS) or not isinstance(child, dict | list):
            continue
        for step in _answers(child, f"{name}.{key}"):
            beside = node.get(f"{key}Variables")
            known = step.variables or (beside if isinstance(beside, dict) else None)
            yield Step(step.name, step.answer, step.query, known)
    if answer is not None:
        asked = node.get("request") if isinstance(node.get("request"), dict) else node
        assert isinstance(asked, dict)
        variables = asked.get("variables")
        yield Step(name.strip("."), answer, _query_of(asked), variables if isinstance(variables, dict) else None)


def _answer_in(node: Json) -> Json | None:
    """The GraphQL answer an object is or directly carries."""
    if isinstance(node.get("data"), dict) or _are_errors(node.get("errors")):
        return node
    for key in _ANSWER_KEYS:
        child = node.get(key)
        if isinstance(child, dict) and (found := _answer_in(child)) is not None:
            return found
    return None


def _are_errors(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "message" in one for one in value)


def _query_of(node: Json) -> str | None:
    query = node.get("query")
    return query if isinstance(query, str) and "{" in query else None


def _with_request(step: Step, requests: dict[str, Json], texts: list[str], hints: Json) -> Step:
    """The step with the query and variables that the file keeps elsewhere."""
    query, variables = step.query, step.variables
    named = requests.get(step.name.rsplit(".", 1)[-1])
    if query is None and named is not None:
        query, variables = named["query"], variables or named.get("variables")
    if query is None and step.data:
        fitting = {text for text in texts if set(root_fields(text)) == set(step.data)}
        query = fitting.pop() if len(fitting) == 1 else None
        owner = next((one for one in requests.values() if one["query"] == query), {})
        variables = variables or owner.get("variables")
    return Step(step.name, step.answer, query, _completed(query, variables, hints, step.data))


def root_fields(text: str) -> dict[str, str]:
    """The names of the fields a query asks at its root, by the keys they are answered under."""
    operation = _operation(text)
    fields = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)] if operation else []
    return {node.alias.value if node.alias else node.name.value: node.name.value for node in fields}


def _operation(text: str) -> OperationDefinitionNode | None:
    try:
        document = parse(text)
    except GraphQLSyntaxError:
        return None
    return next((node for node in document.definitions if isinstance(node, OperationDefinitionNode)), None)


def _completed(query: str | None, variables: Json | None, hints: Json, data: Json) -> Json | None:
    """Variables the query declares and the file names elsewhere, or the answer shows."""
    operation = _operation(query) if query else None
    if operation is None:
        return variables
    complete = dict(variables or {})
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        if name in complete:
            continue
        kind = print_ast(definition.type).strip("[]!")
        used = {str(value) for value in complete.values()}
        for value in _candidates(name, kind, hints, data, used):
            complete[name] = value
            break
    return complete


def _candidates(name: str, kind: str, hints: Json, data: Json, used: set[str]) -> Iterator[Any]:
    """Values a variable may have had, the likeliest first.

    An id: what the answer says was deleted or found. Then the file's `variables`: the same name, a name within this one
    (addedCode for exactAddedCode), the last that ends in it (updatedCode for code), the first unused of the same noun.
    """
    if kind == "ID":
        yield from (gone for payload in data.values() if (gone := deleted_id(payload)))
        yield from (root["id"] for root in data.values() if isinstance(root, dict) and isinstance(root.get("id"), str))
    known = {key: value for key, value in hints.items() if _fits(value, kind)}
    lower = name.lower()
    if name in known:
        yield known[name]
    yield from (value for key, value in known.items() if lower.endswith(key.lower()))
    yield from (value for key, value in reversed(known.items()) if key.lower().endswith(lower))
    noun = re.split(r"(?=[A-Z])", name)[-1].lower()
    yield from (value for key, value in known.items() if key.lower().endswith(noun) and str(value) not in used)


def _fits(value: Any, kind: str) -> bool:
    is_id = isinstance(value, str) and value.startswith("gid://")
    return {"ID": is_id, "String": isinstance(value, str) and not is_id, "Int": isinstance(value, int)}.get(kind, True)


def missing_variables(query: str, variables: Json) -> list[str]:
    """Variables the query needs and nobody knows."""
    operation = _operation(query)
    definitions = operation.variable_definitions or () if operation else ()
    return [
        definition.variable.name.value
        for definition in definitions
        if isinstance(definition.type, NonNullTypeNode)
        and definition.default_value is None
        and definition.variable.name.value not in variables
    ]


def deleted_id(payload: Any) -> str | None:
    """The id in a payload such as {"deletedCustomerId": …}."""
    for key, value in payload.items() if isinstance(payload, dict) else ():
        if key.startswith("deleted") and key.endswith("Id") and isinstance(value, str):
            return value
    return None
