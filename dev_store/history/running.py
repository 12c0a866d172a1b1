"""Lives through a history: steps become verbs of a shop, in batches, with the real ids in place of the steps' names.

Called by `app.demo` and the crash tests. The steps' order is kept; a batch ends where a step needs an id that the shop
has not given yet, or where members redeem. A verb the shop refuses is kept in `refused` and the history goes on, as it
does in a real shop; only a refused discount code is tried again without the code.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from dev_store.history.steps import BROUGHT_BY, REDEEM, SIGN_UP, WITH_CODE, Step

_IDS = {"customer": "customer_id", "order": "order_id", "kept": "kept", "deleted": "deleted"}
ADVOCATE = "_brought_by"
_BY_POSITION = {"refund": "lines", "edit_order": "remove"}


class Shop(Protocol):
    """The control plane of a development store, about one shop."""

    def batch(self, verbs: list[dict[str, Any]]) -> list[Any]:
        """Carries out verbs in order; an answer is {"result": …} or {"error": …}."""

    def line_ids(self, order_id: int) -> list[int]:
        """The ids of an order's lines, in their order."""


@dataclass(frozen=True, slots=True)
class Refused:
    step: Step
    why: str


class Runner:
    """`redeem` is asked for the codes of customer ids, by id, `sign_up` for the code that an address gets at a popup,
    `link` for the code in the link of a customer id.

    `done` hears how many steps were lived through, and when.
    `before` is told each batch's first step before the shop is, for moving clocks.
    """

    def __init__(
        self,
        shop: Shop,
        *,
        batch: int = 100,
        redeem: Callable[[list[int]], Mapping[int, str]] | None = None,
        sign_up: Callable[[str], str | None] | None = None,
        link: Callable[[int], str | None] | None = None,
        before: Callable[[Step], None] | None = None,
        done: Callable[[int], object] | None = None,
    ) -> None:
        self.ids: dict[str, int] = {}
        self.refused: list[Refused] = []
        self._shop = shop
        self._size = batch
        self._redeem = redeem
        self._sign_up = sign_up
        self._link = link
        self._before = before
        self._done = done
        self._codes: dict[str, str] = {}
        self._lines: dict[str, list[int]] = {}
        self._edits: set[str] = set()  # orders whose edit waits
        self._waiting: list[tuple[Step, dict[str, Any]]] = []

    def live(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if step.verb in {REDEEM, SIGN_UP}:
                self._flush()
                self._in_the_app(step)
                continue
            if not self._names_are_known(step):
                self._flush()
            if self._names_are_known(step):
                verb = self._verb(step)  # may send what waits
                self._waiting.append((step, verb))
            else:
                self.refused.append(Refused(step, "speaks of something the shop refused to make"))
            if len(self._waiting) >= self._size:
                self._flush()
        self._flush()

    def _names_are_known(self, step: Step) -> bool:
        names = (step.args.get(argument) for argument in (*_IDS, BROUGHT_BY))
        return all(name in self.ids for name in names if name is not None)

    def _verb(self, step: Step) -> dict[str, Any]:
        verb: dict[str, Any] = {"verb": step.verb, "at": step.at.isoformat()}
        for argument, value in step.args.items():
            if argument in _IDS:
                verb[_IDS[argument]] = self.ids[value] if value is not None else None
            elif argument == WITH_CODE:
                verb["discount_codes"] = [self._codes.pop(value)] if value in self._codes else []
            elif argument == BROUGHT_BY:
                verb["note_attributes"] = self._attributes(self.ids[value])
            elif argument == _BY_POSITION.get(step.verb):
                verb[argument] = self._by_id(step, value)
            else:
                verb[argument] = value
        if step.verb == "edit_order":  # it may have new lines, known once this was carried out
            self._lines.pop(step.args["order"], None)
            self._edits.add(step.args["order"])
        return verb

    def _attributes(self, advocate: int) -> list[dict[str, str]]:
        """What the theme's script puts into a friend's cart, and whose it is, for the store's own figures."""
        code = self._link(advocate) if self._link else None
        return [{"name": "_ref", "value": code}, {"name": ADVOCATE, "value": str(advocate)}] if code else []

    def _by_id(self, step: Step, lines: Mapping[int, int]) -> dict[str, int]:
        if not lines:
            return {}
        order = step.args["order"]
        if order not in self._lines:
            if order in self._edits:
                self._flush()
            self._lines[order] = self._shop.line_ids(self.ids[order])
        return {str(self._lines[order][position]): count for position, count in lines.items()}

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._edits.clear()
        if not waiting:
            return
        if self._before:
            self._before(waiting[0][0])
        answers = self._shop.batch([verb for _, verb in waiting])
        for (step, verb), answer in zip(waiting, answers, strict=True):
            self._settle(step, verb, answer)
        if self._done:
            self._done(len(waiting))

    def _settle(self, step: Step, verb: dict[str, Any], answer: Mapping[str, Any]) -> None:
        if "error" in answer and verb.get("discount_codes"):
            (answer,) = self._shop.batch([{**verb, "discount_codes": []}])
        if "error" in answer:
            self.refused.append(Refused(step, answer["error"]))
        elif step.makes:
            self.ids[step.makes] = answer["result"]

    def _in_the_app(self, step: Step) -> None:
        if self._before:
            self._before(step)
        if step.verb == REDEEM and self._redeem:
            members = {self.ids[name]: name for name in step.args["customers"] if name in self.ids}
            codes = self._redeem(list(members))
            self._codes.update({members[customer_id]: code for customer_id, code in codes.items()})
        elif step.verb == SIGN_UP and self._sign_up and (code := self._sign_up(step.args["email"])):
            self._codes[step.args["email"]] = code
        if self._done:
            self._done(1)
