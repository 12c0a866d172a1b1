"""Which points pay for what: the arithmetic of lots, without a database.

An account holds lots, one for each source that granted points, and uses: how much of a lot each spending source holds.
What no lot covers is owed (`OWED`). For every state that these functions leave:

- a lot's `granted` = its `remaining` + what is used of it, and neither is negative;
- remaining points and owed points never stand side by side;
- a source either grants or spends, and its grant less its uses is the sum of everything posted to it.

`app.loyalty.ledger` loads the state, applies postings, and writes the difference.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

_NEVER = datetime.max.replace(tzinfo=UTC)


class Source(NamedTuple):
    """What an entry is about: kind `order`, `adjustment`, `redemption` …, and that thing's key within the shop."""

    kind: str
    id: str


# Stands for the lot that does not exist.
OWED = Source("owed", "")


@dataclass
class LotState:
    """A lot in memory; `id` is None until it is stored."""

    source: Source
    granted: int
    remaining: int
    available_at: datetime
    expires_at: datetime | None = None
    id: int | None = None


@dataclass
class AccountLots:
    """The lots and uses of one account in one program."""

    lots: dict[Source, LotState] = field(default_factory=dict)
    uses: dict[Source, dict[Source, int]] = field(default_factory=dict)

    @property
    def balance(self) -> int:
        """Points that remain, less points owed."""
        return sum(lot.remaining for lot in self.lots.values()) - self.owed

    @property
    def owed(self) -> int:
        """Points spent, or taken back after they were spent, that no lot covers."""
        return sum(held.get(OWED, 0) for held in self.uses.values())

    def granted(self, source: Source) -> int:
        """What a source has granted so far, net of everything taken back from it."""
        lot = self.lots.get(source)
        return lot.granted if lot else 0

    def post(self, source: Source, points: int, at: datetime) -> None:
        """Add to, or take from, what a source stands for.

        Points for a spending source first return what it used; points against a granting one first shrink its own lot,
        whatever other lots hold: a refund takes back exactly what its order gave.
        """
        if points > 0:
            points -= self._give_back(source, points)
            if points:
                self._grant(source, points, at)
        else:
            wanted = -points
            wanted -= self._shrink(source, wanted)
            if wanted:
                self._use(source, wanted)
        self._cover_debts()

    def _grant(self, source: Source, points: int, at: datetime) -> None:
        lot = self.lots.setdefault(source, LotState(source, 0, 0, at))
        lot.granted += points
        lot.remaining += points

    def _give_back(self, source: Source, points: int) -> int:
        """Release up to `points` of what a source uses, debts first; returns how many it was."""
        held = self.uses.get(source, {})
        released = 0
        for key in sorted(held, key=lambda key: (key != OWED, key)):
            step = min(held[key], points - released)
            self._change_use(source, key, -step)
            if key != OWED:
                self.lots[key].remaining += step
            released += step
            if released == points:
                break
        return released

    def _shrink(self, source: Source, points: int) -> int:
        """Take up to `points` out of a source's own lot; users of it move to other lots, or become debts."""
        lot = self.lots.get(source)
        if lot is None:
            return 0
        step = min(points, lot.granted)
        lot.granted -= step
        missing = step - min(step, lot.remaining)
        lot.remaining -= step - missing
        for user in sorted(self.uses, reverse=True):
            moved = min(self.uses[user].get(source, 0), missing)
            if moved:
                self._change_use(user, source, -moved)
                self._use(user, moved)
                missing -= moved
        return step

    def _use(self, source: Source, points: int) -> None:
        for lot in self._in_spending_order():
            step = min(lot.remaining, points)
            lot.remaining -= step
            self._change_use(source, lot.source, step)
            points -= step
            if not points:
                return
        self._change_use(source, OWED, points)

    def _cover_debts(self) -> None:
        for user in sorted(self.uses):
            debt = self.uses[user].get(OWED, 0)
            free = sum(lot.remaining for lot in self.lots.values())
            step = min(debt, free)
            if step:
                self._change_use(user, OWED, -step)
                self._use(user, step)

    def _in_spending_order(self) -> Iterable[LotState]:
        """Soonest expiry first, then oldest, then by source so that every machine chooses alike."""
        usable = (lot for lot in self.lots.values() if lot.remaining)
        return sorted(usable, key=lambda lot: (lot.expires_at or _NEVER, lot.available_at, lot.source))

    def _change_use(self, user: Source, lot: Source, points: int) -> None:
        if not points:
            return
        held = self.uses.setdefault(user, {})
        held[lot] = held.get(lot, 0) + points
        if not held[lot]:
            del held[lot]
        if not held:
            del self.uses[user]
