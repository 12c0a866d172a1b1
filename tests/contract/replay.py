"""Asks a development store what a recording asked, in a shop of its own, and tallies where the answers agree."""

import copy
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from flask.testing import FlaskClient

from dev_store.commerce import RefusalError, open_shop
from dev_store.config import AppConfig, Config
from dev_store.graphql.context import Context
from dev_store.graphql.schema import API_VERSION, admin_schema, required_scopes
from dev_store.store import DevStore
from dev_store.tokens import Tokens
from dev_store.web import create_app
from tests.contract.compare import Difference, Pairs, differences, instants_in
from tests.contract.rebuild import CannotTell, rebuilt
from tests.contract.recordings import Recording, Step, deleted_id, missing_variables, root_fields
from tests.contract.seeds import Facts, Seeder
from tests.contract.versions import not_in_served_version

Json = dict[str, Any]
SHOP = "recorded.myshopify.com"
_GID = re.compile(r"gid://shopify/\w+/[\w?=]+")


class NotAsked(Exception):
    """Why a step cannot be asked of our server."""


@dataclass
class Tally:
    """What became of one recording's steps; `costs` are (requested by Shopify, by us) of texts sent as recorded."""

    asked: int = 0
    disagreed: dict[str, list[Difference]] = field(default_factory=dict)
    not_asked: dict[str, str] = field(default_factory=dict)
    costs: list[tuple[int, int]] = field(default_factory=list)

    @property
    def agreed(self) -> int:
        return self.asked - len(self.disagreed)


class Replay:
    """One recording against a fresh shop in memory."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        scopes = sorted({scope for wanted, _ in required_scopes().values() for scope in wanted})
        config = Config("http://127.0.0.1:1", "key", "secret", AppConfig(API_VERSION, (), tuple(scopes)))
        application = create_app(config)
        self._store: DevStore = application.extensions["dev_store"]
        self._client: FlaskClient = application.test_client()
        self._token = self._open_shop(scopes)
        self._pairs, self._facts, self._lost = Pairs(), Facts(), set[str]()

    def run(self) -> Tally:
        """Asks every step in order, one that stands in the file twice once; the store is closed afterwards."""
        tally, met = Tally(), set[str]()
        for answer in self._recording.upstream:
            self._facts.collect(answer.get("data"))
        for step in takewhile(lambda one: not _is_mutation(one.data), self._recording.steps):
            self._facts.collect(step.data)
        try:
            for step in self._recording.steps:
                if (content := json.dumps(step.answer)) not in met:
                    self._run(step, tally)
                met.add(content)
        finally:
            self._store.state.close()
        return tally

    def _run(self, step: Step, tally: Tally) -> None:
        try:
            found, cost = self._ask(step)
        except NotAsked as reason:
            tally.not_asked[step.name] = str(reason)
            self._lost |= set(_GID.findall(str(step.data)))
        except Exception as error:  # one odd recording must not hide what the others say
            tally.asked += 1
            tally.disagreed[step.name] = [Difference("replay", "an answer", f"{type(error).__name__}: {error}")]
        else:
            tally.asked += 1
            tally.costs += [cost] if cost else []
            if found:
                tally.disagreed[step.name] = found
        self._collect(step)

    def _collect(self, step: Step) -> None:
        self._facts.settled = self._facts.settled or _is_mutation(step.data)
        self._facts.collect(step.data)

    def _ask(self, step: Step) -> tuple[list[Difference], tuple[int, int] | None]:
        query, variables, recorded = self._request(step)
        if _depends_on_pace(step.data):
            raise NotAsked("how far a bulk operation is depends on the recorded shop's size and hour")
        if step.query is None or "mutation" not in query.split("{")[0]:
            self._collect_before(step, query)
        self._seed(variables, query)
        for payload in step.data.values():
            if (gone := deleted_id(payload)) and gone not in self._pairs.ours:
                raise NotAsked("it deletes something the recording does not show")
        self._seeder().restore(step.data, self._pairs.ours)
        self._pairs.named_instants |= instants_in(variables)
        ours = self._post(self._pairs.translate(query), self._pairs.translate(variables))
        if reasons := not_in_served_version(ours.get("errors")):
            raise NotAsked(f"{API_VERSION} refuses the text: {reasons[0]}")
        self._check_seeded(recorded, ours)
        recorded, ours = self._without_not_implemented(*_without_introspection(query, recorded, ours))
        self._pairs.learn(recorded.get("data"), ours.get("data"))
        verbatim = query == step.query
        found = differences(recorded, ours, self._pairs, verbatim=verbatim)
        return found, _costs(step, ours) if verbatim else None

    def _request(self, step: Step) -> tuple[str, Json, Json]:
        if step.query is not None:
            missing = missing_variables(step.query, step.variables or {})
            refused = any("INVALID_VARIABLE" in str(error) for error in step.answer.get("errors") or [])
            if not missing or refused:
                return step.query, step.variables or {}, step.answer
        if not step.data:
            raise NotAsked("the recording does not hold its request")
        try:
            query, data = rebuilt(admin_schema(), step.data, step.variables or {})
        except CannotTell as reason:
            if any(error.get("message", "").startswith("Variable $") for error in step.answer.get("errors") or []):
                raise NotAsked("the recording does not hold its request") from reason
            raise NotAsked(str(reason)) from reason
        return query, step.variables or {}, {**step.answer, "data": data}

    def _collect_before(self, step: Step, query: str) -> None:
        """A read shows what was there: if no step made it, it was there before."""
        if query.lstrip().startswith("mutation"):
            return
        self._facts.collect(step.data)
        for root in step.data.values():
            if isinstance(root, list) or (isinstance(root, dict) and "nodes" not in root and "edges" not in root):
                self._seed(root)

    def _seed(self, *named: Any) -> None:
        """Makes the objects a request names that no step has made; a step that could not be asked made others."""
        for recorded_id in dict.fromkeys(_GID.findall(str(named))):
            if recorded_id in self._pairs.ours:
                continue
            fact = self._facts.objects.get(recorded_id)
            made = self._made(recorded_id, fact) if fact else {}
            self._pairs.ours |= made
            if not made and recorded_id in self._lost:
                kind = recorded_id.split("/")[3]
                raise NotAsked(f"it needs a {kind} made by something that was not asked")

    def _check_seeded(self, recorded: Json, ours: Json) -> None:
        """An object we could not put there cannot be found."""
        for key, root in (recorded.get("data") or {}).items():
            found = (ours.get("data") or {}).get(key)
            identifier = root.get("id") if isinstance(root, dict) else None
            if found is None and isinstance(identifier, str) and identifier not in self._pairs.ours:
                refused = [error for error in ours.get("errors") or [] if key in (error.get("path") or [])]
                if not refused:
                    raise NotAsked(f"it shows a {identifier.split('/')[3]} that was there before")

    def _made(self, recorded_id: str, fact: Json) -> dict[str, str]:
        try:
            return self._seeder().make(recorded_id, fact)
        except RefusalError as refusal:
            raise NotAsked(f"what was there before cannot be there here: {refusal}") from refusal

    def _without_not_implemented(self, recorded: Json, ours: Json) -> tuple[Json, Json]:
        """Both answers without what our server says it does not serve. Raises NotAsked when nothing is left."""
        refused = [error for error in ours.get("errors") or [] if _code(error) == "NOT_IMPLEMENTED"]
        if not refused:
            return recorded, ours
        paths = [error["path"] for error in refused]
        recorded, ours = _copy(recorded), _copy(ours)
        for path in paths:
            self._lost |= set(_GID.findall(str((recorded.get("data") or {}).get(path[0]))))
            _prune(recorded, ours, path)
        for answer in (recorded, ours):
            kept = [error for error in answer.get("errors") or [] if not _below(error.get("path") or [], paths)]
            answer["errors"] = [error for error in kept if _code(error) != "NOT_IMPLEMENTED"]
        if not ours.get("data"):
            raise NotAsked(refused[0]["message"])
        return recorded, ours

    def _post(self, query: str, variables: Json) -> Json:
        answer = self._client.post(
            f"/{SHOP}/admin/api/{API_VERSION}/graphql.json",
            json={"query": query, "variables": variables},
            headers={"X-Shopify-Access-Token": self._token},
        )
        body: Json = answer.get_json()
        return body

    def _open_shop(self, scopes: list[str]) -> str:
        """The recorded shop sold in Canadian dollars and could sell subscriptions, which discount summaries show."""
        now = datetime.now(UTC)
        document = open_shop(self._store.state, SHOP, name="Recorded", at=now, currency="CAD", country="CA")
        document["_sells_subscriptions"] = True
        self._store.state.put(SHOP, "shop", document["id"], document)
        token: str = Tokens(self._store.state, SHOP).issue(scopes, expiring=False)["access_token"]
        return token

    def _seeder(self) -> Seeder:
        return Seeder(Context(self._store, SHOP, frozenset(), self._store.clock.now()))


def _without_introspection(query: str, recorded: Json, ours: Json) -> tuple[Json, Json]:
    """Both answers without what was asked of the schema itself."""
    asked = {key for key, name in root_fields(query).items() if name.startswith("__")}
    if not asked or not isinstance(ours.get("data"), dict):
        return recorded, ours
    kept = [
        {key: value for key, value in (one.get("data") or {}).items() if key not in asked} for one in (recorded, ours)
    ]
    if not kept[0]:
        raise NotAsked("it asks about the schema of another version")
    return {**recorded, "data": kept[0]}, {**ours, "data": kept[1]}


def _is_mutation(data: Json) -> bool:
    mutation = admin_schema().mutation_type
    assert mutation is not None
    return any(key in mutation.fields for key in data)


def _costs(step: Step, ours: Json) -> tuple[int, int] | None:
    both = [(answer.get("extensions") or {}).get("cost") or {} for answer in (step.answer, ours)]
    recorded, mine = (cost.get("requestedQueryCost") for cost in both)
    return (int(recorded), int(mine)) if recorded is not None and mine is not None else None


def _code(error: Json) -> str | None:
    code: str | None = (error.get("extensions") or {}).get("code")
    return code


def _below(path: list[Any], pruned: list[list[Any]]) -> bool:
    return any(path[: len(one)] == one or one[: len(path)] == path for one in pruned if path)


def _prune(recorded: Json, ours: Json, path: list[Any]) -> None:
    """Removes the key that became null, which may be an ancestor of the refused field, from both."""
    mine: Any = ours.get("data")
    theirs: Any = recorded.get("data")
    for key in path:
        if not isinstance(mine, dict | list):
            return
        try:
            gone = mine[key] is None
            if gone:
                del mine[key]
            if isinstance(theirs, dict | list):
                theirs = theirs.pop(key) if gone else theirs[key]
            mine = None if gone else mine[key]
        except (KeyError, IndexError):
            return


def _copy(answer: Json) -> Json:
    return copy.deepcopy(answer)


def _depends_on_pace(data: Json) -> bool:
    """A bulk operation that runs or has run over the recorded shop, or a refusal because others still run."""
    if data.keys() & {"bulkOperation", "bulkOperationCancel"}:
        return True
    started = data.get("bulkOperationRunQuery") or {}
    return any("already in progress" in error["message"] for error in started.get("userErrors") or [])
