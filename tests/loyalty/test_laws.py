"""The laws of the ledger (issue 3), for any shop that merchants, shoppers and the network can make.

Two kinds of cases. Those of `compared` are told to four shops each: once and in order; late, mixed and repeatedly; with
one order more that is given back wholly; with all refunds of an order as one. What ends must be equal. Those of `rough`
are told to one shop where everything happens at once, spending, giving, taking, expiring and forgiving, and the laws of
`ledger verify` are looked at after every window. A case is a number: the seed of everything in it.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from app.runtime import Runtime
from tests import soak_page
from tests.loyalty.law_histories import Deed, Fact, History, history
from tests.loyalty.law_orders import PlayedOrder, Purchase, Told, fully_refunded
from tests.loyalty.law_rules import START, WINDOWS, at, rules, versions
from tests.loyalty.law_shops import ZONES, Plan, State, Village, state, village

_EXTRA = 9
_BY_HAND = (Fact, Deed)


@dataclass(frozen=True)
class Case:
    """A shop, what happens in it, and one order more that is given back."""

    seed: int
    plan: Plan
    history: History
    extra: Purchase
    later: Any

    @property
    def counts_orders(self) -> bool:
        """Whether some rule gives points for an order's number: once paid it keeps its number, given back or not."""
        return any(rule["kind"] == "nth_order" for _, version in self.plan.versions for rule in version["earning"])


def draw(seed: int, *, rough: bool = False) -> Case:
    """The case of a seed. Where points are spent and compared, none expire: which lot pays then depends on the hour."""
    rng = Random(seed)
    facts = rough or rng.random() < 0.4
    expiry = "any" if rough else "none" if facts else "after"
    program: dict[str, Any] = {}
    if rng.random() < 0.2:
        program["earns_from"] = at(rng.randrange(4), rng)
    if rng.random() < 0.2:
        program["ends_at"] = at(rng.randrange(6, WINDOWS), rng)
    if rng.random() < 0.6:
        program |= {"history_chosen_at": START, "history_from": rng.choice((None, at(5)))}
    program["forgives_debts"] = rough and rng.random() < 0.3
    plan = Plan(versions(rng, expiry=expiry), rng.choice(ZONES), rng.choice((None, None, START)), program)
    lived = history(rng, facts=facts)
    extra = fully_refunded(rng, _EXTRA, lived.purchases[0].traits["currency"])
    return Case(seed, plan, lived, extra, (rng.randrange(2, WINDOWS), rules(rng, expiry=expiry), rng.random() < 0.3))


def delayed(told: Iterable[Told], rng: Random) -> list[Told]:
    """The same later, in any order, and some of it again. What people do here is not delivered by anybody."""
    found = []
    for one in told:
        if isinstance(one.item, _BY_HAND):
            found.append(one)
            continue
        times = rng.choice((1, 1, 1, 2))
        found += [Told(min(one.window + rng.choice((0, 0, 1, 3, 6)), WINDOWS - 1), one.item) for _ in range(times)]
    rng.shuffle(found)
    return found


def live(place: Village, told: Sequence[Told], *, sweeping: bool) -> None:
    """Window by window; sweeping and looking at the laws after each, or once at the end."""
    by_window: list[list[Any]] = [[] for _ in range(WINDOWS)]
    for one in told:
        by_window[one.window].append(one.item)
    for window, items in enumerate(by_window):
        place.go_to(at(window + 1))
        place.take(items)
        if window in (1, 5):
            place.analyze()
        if sweeping:
            assert place.disagreements() == []
            place.sweep()
    place.go_to(at(WINDOWS + 3))
    place.sweep()
    assert place.disagreements() == []


def compared(runtime: Runtime, seeds: Iterable[int]) -> None:
    """Four shops a case."""
    cases = [draw(seed) for seed in seeds]
    with village(runtime) as place:
        shops = place.open([case.plan for case in cases for _ in range(4)])
        told: list[Told] = []
        for number, case in enumerate(cases):
            plain, late, more, once = shops[number * 4 : number * 4 + 4]
            told += case.history.tell(plain)
            told += delayed(case.history.tell(late), Random(case.seed))
            told += case.history.with_purchase(case.extra).tell(more)
            told += case.history.refunded_at_once().tell(once)
        live(place, told, sweeping=False)
        held = state(place.session)
        faults = [fault for n, case in enumerate(cases) for fault in _differences(case, shops[n * 4 : n * 4 + 4], held)]
        assert faults == []
        assert _later_rules(place, [(case, shops[n * 4]) for n, case in enumerate(cases)], held) == []


def _differences(case: Case, shops: Sequence[int], held: State) -> list[tuple[int, str, Any, Any]]:
    plain, late, more, once = (held[shop] for shop in shops)
    spent = bool(case.history.facts)
    lots = () if spent else ("lots",)
    everything = [name for name in plain if name != "lots"]
    found = [("order of deliveries", name, plain[name], late[name]) for name in (*everything, *lots)]
    found += [("split refunds", name, plain[name], once[name]) for name in ("totals", "balances", "sources", *lots)]
    if not case.counts_orders:
        found += [("never happened", name, plain[name], more[name]) for name in ("balances", "sources", *lots)]
    return [(case.seed, f"{law}, {name}", one, other) for law, name, one, other in found if one != other]


def _later_rules(place: Village, lived: Sequence[tuple[Case, int]], before: State) -> list[Any]:
    """New rules from a window on, or the program's end there: what was earned before it stays."""
    new = [(shop, at(case.later[0]), case.later[1]) for case, shop in lived if not case.later[2]]
    place.add_versions(new)
    for case, shop in lived:
        if case.later[2]:
            place.end_program(shop, at(case.later[0]))
    place.settle_all()
    after = state(place.session, ["sources"])
    found = []
    for case, shop in lived:
        ours = _earlier_than(case)
        was, now = ([row for row in held[shop]["sources"] if row[1:3] in ours] for held in (before, after))
        if was != now:
            found.append((case.seed, "later rules", was, now))
    return found


def _earlier_than(case: Case) -> set[tuple[str, str]]:
    instant = at(case.later[0])
    sources = {("order", str(purchase.id)) for purchase in case.history.purchases if purchase.at < instant}
    deeds = [told.item for told in case.history.deeds]
    return sources | {("action", f"{deed.kind}:{deed.key}") for deed in deeds if deed.at < instant}


def rough(runtime: Runtime, seeds: Iterable[int]) -> None:
    """One shop a case, in which everything happens."""
    cases = [draw(seed, rough=True) for seed in seeds]
    with village(runtime) as place:
        shops = place.open([case.plan for case in cases])
        told: list[Told] = []
        for case, shop in zip(cases, shops, strict=True):
            more = case.history.with_purchase(case.extra)
            told += delayed(more.tell(shop), Random(case.seed))
        live(place, told, sweeping=True)
        place.settle_all()
        assert place.disagreements() == []


def test_what_is_told_ends_the_same_however_it_is_told(runtime: Runtime) -> None:
    compared(runtime, range(60))


def test_the_ledger_agrees_with_itself_after_every_step(runtime: Runtime) -> None:
    rough(runtime, range(60))


def test_refunded_pieces_are_worth_what_their_line_was() -> None:
    """Of the generator itself: however a line is given back, all of it comes to what was paid for it."""
    for seed in range(300):
        case = draw(seed)
        order = PlayedOrder(1, case.extra)
        list(order.tell())
        if order.cancelled_at is None and case.extra.changes[-1].kind == "refund":
            snapshot = order.snapshot(at(WINDOWS))
            assert snapshot.current_subtotal_minor == 0
            assert sum(refund.lines_minor for refund in snapshot.refunds) == snapshot.subtotal_minor


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_laws_hold_at_full_size(runtime: Runtime) -> None:
    began, each, batch = time.monotonic(), 10_000, 200
    for first in range(0, each, batch):
        compared(runtime, range(first, first + batch))
        rough(runtime, range(each + first, each + first + batch))
    minutes = (time.monotonic() - began) / 60
    soak_page.write_section(
        "Laws of the ledger",
        f"{2 * each:,} shops drawn from seeds 0 to {2 * each - 1:,} in {minutes:.0f} minutes: {each:,} told in four"
        " ways (in order; late, mixed and repeatedly; with an order given back; refunds joined) that ended equal,"
        f" {each:,} with spending, adjustments, merges and sweeps, the laws looked at after each of twelve windows.",
    )
