"""Which points pay for what: the arithmetic of lots, without a database.

An account holds lots, one for each source that granted points, and uses: how much of a lot each spending source holds.
What no lot covers is owed (`OWED`). For every state that these functions leave:

- a lot's `granted` = its `remaining` + what is used of it, and neither is negative;
- remaining points and owed points never stand side by side;
- a source either grants or spends, and its grant less its uses is the sum of everything posted to it.

Expiry is a spending source of its own for each lot (`expiry_of`): it uses the lot that it is about and no other. When
the source of an expired lot takes points back, those that had expired go first, and the expiry gives them up: nobody
owes what he could not spend. A debt that was forgiven is a lot of its own (`FORGIVEN`), all of it used by the debtor;
what the debtor gives back ends the forgiving first, for nobody is given points that he never earned.

`app.loyalty.ledger` loads the state, applies postings, and writes the difference.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

_NEVER = datetime.max.replace(tzinfo=UTC)
EXPIRY = "expiry"
FORGIVEN = "forgiven"


class Source(NamedTuple):
    """What an entry is about: kind `order`, `adjustment`, `redemption` …, and that thing's key within the shop."""

    kind: str
    id: str


class Holder(NamedTuple):
    """Whose points: an account in a program of a shop."""

    shop_id: int
    program_id: int
    account_id: int


# Stands for the lot that does not exist.
OWED = Source("owed", "")


def expiry_of(lot: Source) -> Source:
    """The source of what expired of a lot. Named by what granted it, so that another installation names it alike."""
    return Source(EXPIRY, f"{lot.kind}:{lot.id}")


def forgiven_of(user: Source) -> Source:
    """The source of what was written off of what a spending source owed."""
    return Source(FORGIVEN, f"{user.kind}:{user.id}")


class LotDates(NamedTuple):
    """From when a lot can be spent, and until when (exclusive); None: until its account has been idle too long."""

    available_at: datetime
    expires_at: datetime | None


class Change(NamedTuple):
    """Points that a posting moved on another source than its own; `at` where that happened before the posting."""

    source: Source
    points: int
    at: datetime | None = None


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
    """The lots and uses of one account in one program; `idle_at` is when it will have been idle for too long."""

    lots: dict[Source, LotState] = field(default_factory=dict)
    uses: dict[Source, dict[Source, int]] = field(default_factory=dict)
    idle_at: datetime | None = None

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

    def end_of(self, lot: LotState) -> datetime | None:
        """The first instant at which a lot cannot be spent any more: its own, else that of the account's idleness."""
        if lot.expires_at or self.idle_at is None:
            return lot.expires_at
        # What came after the account fell idle, such as points given by hand, does not go down with what was before.
        return self.idle_at if lot.available_at < self.idle_at else None

    def is_over(self, lot: LotState, at: datetime) -> bool:
        """Whether a lot has reached its end, posted or not."""
        end = self.end_of(lot)
        return end is not None and end <= at

    def is_open(self, lot: LotState, at: datetime) -> bool:
        """Whether a lot can be spent at an instant."""
        return lot.available_at <= at and not self.is_over(lot, at)

    def available(self, at: datetime) -> int:
        """Points that can be spent at an instant: not waiting, not expired."""
        return sum(lot.remaining for lot in self.lots.values() if self.is_open(lot, at))

    def pending(self, at: datetime) -> int:
        """Points that wait until they can be spent."""
        return sum(lot.remaining for lot in self.lots.values() if lot.available_at > at and not self.is_over(lot, at))

    def post(
        self,
        source: Source,
        points: int,
        at: datetime,
        dates: LotDates | None = None,
        keep_until: datetime | None = None,
        prefer: Source | None = None,
    ) -> list[Change]:
        """Add to, or take from, what a source stands for; returns what that changed on other sources.

        Points for a spending source first return what it used; points against a granting one first shrink its own lot,
        whatever other lots hold: a refund takes back exactly what its order gave. `dates` are those of a new lot.
        Returned points live until `keep_until` at least. Spending takes from the lot `prefer` first.
        """
        changes: list[Change] = []
        if points > 0:
            points -= self._give_back(source, points, at, keep_until, changes)
            if points:
                self._grant(source, points, dates or LotDates(at, None))
        else:
            wanted = -points
            wanted -= self._shrink(source, wanted, at, changes)
            if wanted:
                self._use(source, wanted, at, prefer)
        self._cover_debts(at)
        return changes

    def expire(self, lot: Source) -> int:
        """Let what remains of a lot expire; returns how much that was. The caller posts it for `expiry_of(lot)`."""
        state = self.lots[lot]
        gone, state.remaining = state.remaining, 0
        self._change_use(expiry_of(lot), lot, gone)
        return gone

    def forgive(self, user: Source, at: datetime) -> int:
        """Write off what a spending source owes; returns how much. The caller posts it for `forgiven_of(user)`."""
        debt, source = self.uses.get(user, {}).get(OWED, 0), forgiven_of(user)
        self.lots.setdefault(source, LotState(source, 0, 0, at)).granted += debt
        self._change_use(user, OWED, -debt)
        self._change_use(user, source, debt)
        return debt

    def _grant(self, source: Source, points: int, dates: LotDates) -> None:
        lot = self.lots.setdefault(source, LotState(source, 0, 0, *dates))
        lot.granted += points
        lot.remaining += points

    def _give_back(
        self, source: Source, points: int, at: datetime, keep_until: datetime | None, changes: list[Change]
    ) -> int:
        """Release up to `points` of what a source uses, debts first, forgiven ones next; returns how many it was."""
        held = self.uses.get(source, {})
        released = 0
        for key in sorted(held, key=lambda key: (key != OWED, key.kind != FORGIVEN, key)):
            step = min(held[key], points - released)
            self._change_use(source, key, -step)
            if key.kind == FORGIVEN:
                self.lots[key].granted -= step
                changes.append(Change(key, -step))
            elif key != OWED:
                self._release(self.lots[key], step, at, keep_until, changes)
            released += step
            if released == points:
                break
        return released

    def _release(
        self, lot: LotState, points: int, at: datetime, keep_until: datetime | None, changes: list[Change]
    ) -> None:
        """Put points back into a lot; where it would be over, they live on until `keep_until`."""
        end = self.end_of(lot)
        if keep_until and end and end < keep_until:
            if lot.remaining and end <= at:
                # What had expired and was not posted yet must not live on with what returns.
                changes.append(Change(expiry_of(lot.source), -self.expire(lot.source), end))
            lot.expires_at = keep_until
        lot.remaining += points

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

    def _use(self, source: Source, points: int, at: datetime, prefer: Source | None = None) -> None:
        for lot in self._in_spending_order(at, prefer):
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

    def _in_spending_order(self, at: datetime, prefer: Source | None) -> Iterable[LotState]:
        """Open lots by expiry, then age, then source, so that every machine chooses alike.

        What still waits, or should have expired by now, comes last: it only ever pays what would be owed.
        """

        def place(lot: LotState) -> tuple[object, ...]:
            return (
                lot.source != prefer,
                not self.is_open(lot, at),
                lot.expires_at or _NEVER,
                lot.available_at,
                lot.source,
            )

        return sorted((lot for lot in self.lots.values() if lot.remaining), key=place)

    def _change_use(self, user: Source, lot: Source, points: int) -> None:
        if not points:
            return
        held = self.uses.setdefault(user, {})
        held[lot] = held.get(lot, 0) + points
        if not held[lot]:
            del held[lot]
        if not held:
            del self.uses[user]
