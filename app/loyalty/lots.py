"""Which points pay for what: the arithmetic of lots, without a database.

An account holds lots, one for each source that granted points, and uses: how much of a lot each spending source holds.
What no lot covers is owed (`OWED`). For every state that these functions leave:

- a lot's `granted` = its `remaining` + what is used of it, and neither is negative;
- remaining points and owed points never stand side by side;
- a source either grants or spends, and its grant less its uses is the sum of everything posted to it.

Expiry is a spending source of its own for each lot (`expiry_of`): it uses the lot that it is about and no other. When
the source of an expired lot takes points back, those that had expired go first, and the expiry gives them up: nobody
owes what he could not spend.

`app.loyalty.ledger` loads the state, applies postings, and writes the difference.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

_NEVER = datetime.max.replace(tzinfo=UTC)
EXPIRY = "expiry"


class Source(NamedTuple):
    """What an entry is about: kind `order`, `adjustment`, `redemption` …, and that thing's key within the shop."""

    kind: str
    id: str


# Stands for the lot that does not exist.
OWED = Source("owed", "")


def expiry_of(lot: Source) -> Source:
    """The source of what expired of a lot. Named by what granted it, so that another installation names it alike."""
    return Source(EXPIRY, f"{lot.kind}:{lot.id}")


class LotDates(NamedTuple):
    """From when a lot can be spent, and until when (exclusive); None: until its account has been idle too long."""

    available_at: datetime
    expires_at: datetime | None


class Change(NamedTuple):
    """Points that a posting moved on another source than its own."""

    source: Source
    points: int


@dataclass
class LotState:
    """A lot in memory; `id` is None until it is stored."""

    source: Source
    granted: int
    remaining: int
    available_at: datetime
    expires_at: datetime | None = None
    id: int | None = None

    def is_open(self, at: datetime) -> bool:
        """Whether its points can be spent at an instant."""
        return self.available_at <= at and (self.expires_at is None or at < self.expires_at)

    def give_back(self, points: int, keep_until: datetime | None) -> None:
        """Take points back from a use; where the lot would be over, it lives on until `keep_until`."""
        self.remaining += points
        if keep_until and self.expires_at and self.expires_at < keep_until:
            self.expires_at = keep_until


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

    def used(self, source: Source) -> int:
        """What a source holds of lots, and owes."""
        return sum(self.uses.get(source, {}).values())

    def available(self, at: datetime) -> int:
        """Points that can be spent at an instant: not waiting, not expired."""
        return sum(lot.remaining for lot in self.lots.values() if lot.is_open(at))

    def pending(self, at: datetime) -> int:
        """Points that wait until they can be spent."""
        return sum(lot.remaining for lot in self.lots.values() if lot.available_at > at)

    def post(
        self,
        source: Source,
        points: int,
        at: datetime,
        dates: LotDates | None = None,
        keep_until: datetime | None = None,
    ) -> list[Change]:
        """Add to, or take from, what a source stands for; returns what that changed on other sources.

        Points for a spending source first return what it used; points against a granting one first shrink its own lot,
        whatever other lots hold: a refund takes back exactly what its order gave. `dates` are those of a new lot.
        Returned points live until `keep_until` at least.
        """
        changes: list[Change] = []
        if points > 0:
            points -= self._give_back(source, points, keep_until)
            if points:
                self._grant(source, points, dates or LotDates(at, None))
        else:
            wanted = -points
            wanted -= self._shrink(source, wanted, at, changes)
            if wanted:
                self._use(source, wanted, at)
        self._cover_debts(at)
        return changes

    def expire(self, lot: Source) -> int:
        """Let what remains of a lot expire; returns how much that was. The caller posts it for `expiry_of(lot)`."""
        state = self.lots[lot]
        gone, state.remaining = state.remaining, 0
        self._change_use(expiry_of(lot), lot, gone)
        return gone

    def _grant(self, source: Source, points: int, dates: LotDates) -> None:
        lot = self.lots.setdefault(source, LotState(source, 0, 0, *dates))
        lot.granted += points
        lot.remaining += points

    def _give_back(self, source: Source, points: int, keep_until: datetime | None) -> int:
        """Release up to `points` of what a source uses, debts first; returns how many it was."""
        held = self.uses.get(source, {})
        released = 0
        for key in sorted(held, key=lambda key: (key != OWED, key)):
            step = min(held[key], points - released)
            self._change_use(source, key, -step)
            if key != OWED:
                self.lots[key].give_back(step, keep_until)
            released += step
            if released == points:
                break
        return released

    def _shrink(self, source: Source, points: int, at: datetime, changes: list[Change]) -> int:
        """Take up to `points` out of a source's own lot; users of it move to other lots, or become debts."""
        lot = self.lots.get(source)
        if lot is None:
            return 0
        step = min(points, lot.granted)
        lot.granted -= step
        missing = step - min(step, lot.remaining)
        lot.remaining -= step - missing
        missing -= self._give_up_expired(source, missing, changes)
        for user in sorted(self.uses, reverse=True):
            moved = min(self.uses[user].get(source, 0), missing)
            if moved:
                self._change_use(user, source, -moved)
                self._use(user, moved, at)
                missing -= moved
        return step

    def _give_up_expired(self, lot: Source, points: int, changes: list[Change]) -> int:
        expiry = expiry_of(lot)
        given_up = min(self.used(expiry), points)
        if given_up:
            self._change_use(expiry, lot, -given_up)
            changes.append(Change(expiry, given_up))
        return given_up

    def _use(self, source: Source, points: int, at: datetime) -> None:
        for lot in self._in_spending_order(at):
            step = min(lot.remaining, points)
            lot.remaining -= step
            self._change_use(source, lot.source, step)
            points -= step
            if not points:
                return
        self._change_use(source, OWED, points)

    def _cover_debts(self, at: datetime) -> None:
        for user in sorted(self.uses):
            debt = self.uses[user].get(OWED, 0)
            free = sum(lot.remaining for lot in self.lots.values()) if debt else 0
            step = min(debt, free)
            if step:
                self._change_use(user, OWED, -step)
                self._use(user, step, at)

    def _in_spending_order(self, at: datetime) -> Iterable[LotState]:
        """Open lots by expiry, then age, then source, so that every machine chooses alike.

        What still waits, or should have expired by now, comes last: it only ever pays what would be owed.
        """
        usable = (lot for lot in self.lots.values() if lot.remaining)
        return sorted(
            usable, key=lambda lot: (not lot.is_open(at), lot.expires_at or _NEVER, lot.available_at, lot.source)
        )

    def _change_use(self, user: Source, lot: Source, points: int) -> None:
        if not points:
            return
        held = self.uses.setdefault(user, {})
        held[lot] = held.get(lot, 0) + points
        if not held[lot]:
            del held[lot]
        if not held:
            del self.uses[user]
