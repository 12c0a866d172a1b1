"""Compares a recorded answer with ours. What is normalised, and why:

- global ids: each store numbers its own objects. Where a recorded id is first met beside one of ours, the two are
  paired, and from then on must stay together; other ids are compared by their type.
- instants: the recording was made at another time. One that the file's requests name must agree to the second, the
  others need only be instants.
- cursors and compare digests: opaque texts.
- lists, counts and page information at the root that a search or the whole shop fills: the recorded shop held other
  data and its search index lags. Recorded items we know must be in our list; an empty list asks nothing.
- `extensions`: cost is counted apart (`Tally.costs`), throttle status and search warnings are the server's own affair.
- places in the document (`locations`): compared only where the recorded text itself was sent.
- the order of a list whose objects are all paired: it follows their ids, which each store gives itself.
- what a query asks of the schema itself (`__schema`, `__type`): it is another version's.
- connections of what the dev store cannot be given (store credit, gift cards, the recorded shop's orders).
- granted scopes: each shop's own.
- what the dev store says it does not implement: taken out of both answers.
"""

import re
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
_GID = re.compile(r"gid://shopify/(?P<type>\w+)/[\w?=]+")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")
_KINDS_NOT_KEPT = ("StoreCreditAccount", "GiftCard", "Collection", "Order", "ProductVariant")
_NOT_KEPT = tuple(f"gid://shopify/{kind}/" for kind in _KINDS_NOT_KEPT)
_OPAQUE = frozenset({"startCursor", "endCursor", "cursor", "compareDigest"})


@dataclass
class Pairs:
    """Recorded global ids and ours, and the instants the requests of a file name."""

    ours: dict[str, str] = field(default_factory=dict)
    named_instants: set[str] = field(default_factory=set)

    def translate(self, value: Any) -> Any:
        """A request's value with the recorded ids replaced by ours."""
        if isinstance(value, str):
            return _GID.sub(lambda match: self.ours.get(match[0], match[0]), value)
        if isinstance(value, list):
            return [self.translate(item) for item in value]
        if isinstance(value, dict):
            return {key: self.translate(item) for key, item in value.items()}
        return value

    def learn(self, recorded: Any, ours: Any) -> None:
        """Pairs ids that stand at the same place of both answers."""
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for key in recorded.keys() & ours.keys():
                self.learn(recorded[key], ours[key])
        elif isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
            for one, other in zip(recorded, ours, strict=True):
                self.learn(one, other)
        elif isinstance(recorded, str) and isinstance(ours, str) and _GID.fullmatch(recorded):
            same_kind = recorded.split("/")[3] == ours.split("/")[3] if _GID.fullmatch(ours) else False
            if same_kind and ours not in self.ours.values():
                self.ours.setdefault(recorded, ours)


@dataclass(frozen=True)
class Difference:
    path: str
    recorded: Any
    ours: Any

    def __str__(self) -> str:
        return f"{self.path}: Shopify {_short(self.recorded)}, here {_short(self.ours)}"


def differences(recorded: Json, ours: Json, pairs: Pairs, *, verbatim: bool) -> list[Difference]:
    """Where the answers differ; `verbatim` when the recorded text itself was sent."""
    found = _errors(recorded.get("errors"), ours.get("errors"), pairs, verbatim=verbatim)
    if recorded.get("data") is None or ours.get("data") is None:
        same = (recorded.get("data") is None) == (ours.get("data") is None)
        return found if same else [*found, Difference("data", recorded.get("data"), ours.get("data"))]
    for key, value in recorded["data"].items():
        mine = ours["data"].get(key, "(missing)")
        found += _root(f"data.{key}", value, mine, pairs)
    return found


def _root(path: str, recorded: Any, ours: Any, pairs: Pairs) -> list[Difference]:
    if not isinstance(recorded, dict) or not isinstance(ours, dict):
        return _value(path, recorded, ours, pairs)
    if set(recorded) == {"count", "precision"}:
        return _value(path, {"precision": recorded["precision"]}, ours, pairs, subset=True)
    if "nodes" in recorded or "edges" in recorded:
        return _search_result(path, recorded, ours, pairs)
    return _value(path, recorded, ours, pairs)


def _search_result(path: str, recorded: Json, ours: Json, pairs: Pairs) -> list[Difference]:
    """Items of the whole shop: the known ones must be among ours, in the same shape."""
    found = [] if set(recorded) == set(ours) else [Difference(path, sorted(recorded), sorted(ours))]
    mine = {item.get("id"): item for item in ours.get("nodes") or []}
    for place, item in enumerate(recorded.get("nodes") or []):
        own_id = pairs.ours.get(item.get("id", ""))
        if own_id is not None:
            found += _value(f"{path}.nodes[{place}]", item, mine.get(own_id), pairs)
        elif "id" not in item and ours.get("nodes"):
            alike = [one for one in ours["nodes"] if not _value("", item, one, pairs)]
            found += [] if alike else [Difference(f"{path}.nodes[{place}]", item, ours["nodes"])]
    return found


def _value(path: str, recorded: Any, ours: Any, pairs: Pairs, *, subset: bool = False) -> list[Difference]:
    if _shows_what_is_not_kept(recorded) or (ours is None and _is_not_kept(recorded)):
        return []
    if isinstance(recorded, dict) and isinstance(ours, dict):
        missing = [] if subset else sorted(set(recorded) ^ set(ours))
        found = [Difference(f"{path}.{key}", recorded.get(key, "(none)"), ours.get(key, "(none)")) for key in missing]
        for key in recorded.keys() & ours.keys():
            found += _leaf_or_value(key, f"{path}.{key}", recorded[key], ours[key], pairs)
        return found
    if isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        found = []
        for place, (one, other) in enumerate(zip(recorded, _in_order_of(recorded, ours, pairs), strict=True)):
            found += _value(f"{path}[{place}]", one, other, pairs)
        return found
    if isinstance(recorded, str) and isinstance(ours, str):
        return [] if _same_text(recorded, ours, pairs) else [Difference(path, recorded, ours)]
    same = recorded == ours and isinstance(recorded, bool) == isinstance(ours, bool)
    return [] if same else [Difference(path, recorded, ours)]


def _shows_what_is_not_kept(recorded: Any) -> bool:
    """A connection of things the development store does not keep, such as store credit, cannot be filled."""
    nodes = recorded.get("nodes") if isinstance(recorded, dict) else None
    return isinstance(nodes, list) and any(_is_not_kept(node) for node in nodes)


def _is_not_kept(recorded: Any) -> bool:
    return isinstance(recorded, dict) and str(recorded.get("id", "")).startswith(_NOT_KEPT)


def _in_order_of(recorded: list[Any], ours: list[Any], pairs: Pairs) -> list[Any]:
    """Ours in the order of the recorded list, if all its ids are paired: lists follow ids, and ids are each store's."""
    wanted = [pairs.ours.get(item.get("id", "")) if isinstance(item, dict) else None for item in recorded]
    mine = {item.get("id"): item for item in ours if isinstance(item, dict)}
    return [mine[own_id] for own_id in wanted] if None not in wanted and set(wanted) == set(mine) else ours


def _leaf_or_value(key: str, path: str, recorded: Any, ours: Any, pairs: Pairs) -> list[Difference]:
    if key in _OPAQUE:
        same = isinstance(ours, str) == isinstance(recorded, str)
        return [] if same else [Difference(path, recorded, ours)]
    if key == "accessScopes":
        return []  # what an app was granted is the shop's affair
    if key == "legacyResourceId" and isinstance(recorded, str) and isinstance(ours, str):
        return [] if recorded.isdigit() == ours.isdigit() else [Difference(path, recorded, ours)]
    return _value(path, recorded, ours, pairs)


def _same_text(recorded: str, ours: str, pairs: Pairs) -> bool:
    if _GID.fullmatch(recorded):
        if recorded in pairs.ours:
            return ours == pairs.ours[recorded]
        return _GID.sub(r"gid://\g<type>", recorded) == _GID.sub(r"gid://\g<type>", ours)
    if _INSTANT.match(recorded) and _INSTANT.match(ours):
        return recorded not in pairs.named_instants or recorded == ours
    return bool(pairs.translate(recorded) == ours)


def _errors(recorded: Any, ours: Any, pairs: Pairs, *, verbatim: bool) -> list[Difference]:
    """Messages, codes and paths in their order; the whole extension, except what names the document."""
    wanted, got = [[_error(one, verbatim=verbatim) for one in errors or []] for errors in (recorded, ours)]
    return _value("errors", wanted, got, pairs)


def _error(error: Json, *, verbatim: bool) -> Json:
    kept = ("message", "extensions", "path", "locations") if verbatim else ("message", "extensions", "path")
    return {key: error[key] for key in kept if key in error}


def instants_in(value: Any) -> set[str]:
    """Instants a request names, to the second, in the form answers print them."""
    if isinstance(value, dict):
        return set().union(*(instants_in(item) for item in value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*(instants_in(item) for item in value)) if value else set()
    if isinstance(value, str) and _INSTANT.match(value) and value.endswith("Z"):
        return {value.partition(".")[0].rstrip("Z") + "Z"}
    return set()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:157]}..."
