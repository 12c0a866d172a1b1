"""Rules as merchants could write them, drawn from the whole of their schema (`app.loyalty.rules`).

Everything takes a `Random`: a seeded one, or Hypothesis' own, which can then make examples smaller.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

START = datetime(2026, 3, 20, 7, tzinfo=UTC)
# A history passes in as many windows, over both changes to summer time.
WINDOWS = 12
WINDOW = timedelta(days=10)
PRODUCTS, COLLECTIONS, TAGS = (1, 2, 3, 4), (71, 72), ("Sale", "new", "ÉTÉ")
ACTIONS = ("sign_up", "review")


def at(window: int, rng: Random | None = None) -> datetime:
    """An instant of a window, on a whole second; without a `Random` its beginning."""
    seconds = rng.randrange(int(WINDOW.total_seconds())) if rng else 0
    return START + window * WINDOW + timedelta(seconds=seconds)


def rules(rng: Random, *, expiry: str = "any") -> dict[str, Any]:
    """One version. `expiry`: any, none, or after (each award by itself)."""
    drawn: dict[str, Any] = {"earning": [_earning(rng) for _ in range(rng.choice((1, 1, 2, 3)))]}
    _maybe(rng, drawn, "exclude", 0.3, lambda: _goods(rng))
    _maybe(rng, drawn, "gift_cards", 0.3, lambda: rng.choice((True, False)))
    _maybe(rng, drawn, "tax", 0.4, lambda: rng.choice(("as_priced", "with", "without")))
    _maybe(rng, drawn, "shipping", 0.3, lambda: rng.choice((True, False)))
    _maybe(rng, drawn, "rounding", 0.6, lambda: rng.choice(("down", "nearest", "up")))
    _maybe(rng, drawn, "multipliers", 0.4, lambda: [_multiplier(rng) for _ in range(rng.choice((1, 1, 2)))])
    _maybe(rng, drawn, "caps", 0.4, lambda: _caps(rng))
    _maybe(rng, drawn, "channels", 0.3, lambda: {name: rng.random() < 0.5 for name in ("pos", "drafts", "b2b")})
    _maybe(rng, drawn, "paid_with", 0.3, lambda: {name: rng.random() < 0.5 for name in ("gift_card", "store_credit")})
    _maybe(rng, drawn, "waiting_days", 0.3, lambda: rng.choice((1, 14, 30)))
    _maybe(rng, drawn, "actions", 0.5, lambda: {name: _action(rng) for name in rng.sample(ACTIONS, rng.choice((1, 2)))})
    if expiry != "none":
        _maybe(
            rng, drawn, "expiry", 0.5, lambda: _expiry(rng, ("after", "inactivity") if expiry == "any" else ("after",))
        )
    return drawn


def versions(rng: Random, *, expiry: str = "any") -> list[tuple[datetime | None, dict[str, Any]]]:
    """One to three versions, each in force from an instant; the first mostly since ever."""
    first = None if rng.random() < 0.8 else at(rng.randrange(3), rng)
    later = sorted(at(rng.randrange(1, WINDOWS), rng) for _ in range(rng.choice((0, 0, 1, 2))))
    return [(since, rules(rng, expiry=expiry)) for since in (first, *later)]


def _maybe(rng: Random, drawn: dict[str, Any], name: str, chance: float, value: Any) -> None:
    if rng.random() < chance:
        drawn[name] = value()


def _earning(rng: Random) -> dict[str, Any]:
    kind = rng.choice(("per_unit", "per_unit", "per_order", "per_item", "nth_order"))
    rule: dict[str, Any] = {"kind": kind, "points": rng.choice((1, 2, 7, 50))}
    if kind == "per_unit":
        _maybe(rng, rule, "per", 0.6, lambda: rng.choice(("1", "0.5", "3", "10", "7.25")))
        _maybe(rng, rule, "count", 0.6, lambda: rng.choice(("whole_units", "exact")))
    if kind in ("per_order", "nth_order"):
        _maybe(rng, rule, "minimum", 0.5, lambda: rng.choice(("0", "5", "20.50")))
    if kind == "nth_order":
        rule |= rng.choice(({"orders": [1]}, {"orders": [2, 3]}, {"every": 2}, {"orders": [1], "every": 3}))
    _maybe(rng, rule, "only", 0.3, lambda: _goods(rng))
    _maybe(rng, rule, "exclude", 0.2, lambda: _goods(rng))
    return rule


def _goods(rng: Random) -> dict[str, Any]:
    choice: dict[str, Any] = {}
    _maybe(rng, choice, "products", 0.4, lambda: rng.sample(PRODUCTS, rng.choice((1, 2))))
    _maybe(rng, choice, "collections", 0.4, lambda: [str(rng.choice(COLLECTIONS))])
    _maybe(rng, choice, "tags", 0.5, lambda: [rng.choice(TAGS).upper()])
    return choice


def _multiplier(rng: Random) -> dict[str, Any]:
    first, last = sorted(rng.sample(range(WINDOWS), 2))
    drawn: dict[str, Any] = {"factor": rng.choice(("2", "1.5", "0.25", "3"))}
    _maybe(rng, drawn, "from", 0.7, lambda: at(first).isoformat())
    _maybe(rng, drawn, "until", 0.7, lambda: at(last).isoformat())
    return drawn


def _caps(rng: Random) -> dict[str, Any]:
    caps = {"order": (5, 40), "day": (10, 60), "account": (30, 150)}
    return {name: rng.choice(limits) for name, limits in caps.items() if rng.random() < 0.5}


def _action(rng: Random) -> dict[str, Any]:
    limits = {"per_day": 1, "per_year": 2, "per_account": 1}
    return {"points": rng.choice((5, 30))} | {name: most for name, most in limits.items() if rng.random() < 0.4}


def _expiry(rng: Random, kinds: tuple[str, ...]) -> dict[str, Any]:
    length = {"days": rng.choice((5, 30, 90))} if rng.random() < 0.6 else {"months": rng.choice((1, 2))}
    return {"kind": rng.choice(kinds)} | length
