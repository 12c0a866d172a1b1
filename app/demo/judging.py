"""Does Perennial hold what the development store computed from its own orders? Figure by figure, account by account.

The store's side comes from `GET /_dev/shops/<shop>/figures`, the app's from its public API where a stranger could look
and from its database where not (totals, guests). Called by `story`, `replaying` and the crash tests.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from app import clock
from app.demo import queries
from app.demo.processes import DemoError
from app.demo.world import World

QUIET_SECONDS = 900.0


@dataclass(frozen=True)
class Difference:
    what: str
    store: object
    app: object


@dataclass(frozen=True)
class Verdict:
    """`summary` is what `demo-summary.json` holds; no difference means that everything agrees.

    `balances` are the points of all customers with orders or codes, as the public API tells them.
    """

    summary: dict[str, Any]
    differences: list[Difference]
    balances: dict[int, int | None] = field(default_factory=dict)

    def lines(self, most: int = 40) -> list[str]:
        """The differences as a table."""
        rows = [("", "development store", "Perennial"), *((d.what, str(d.store), str(d.app)) for d in self.differences)]
        shown = [f"{what:<44}{store:>20}{app:>20}" for what, store, app in rows[: most + 1]]
        return shown + ([f"… and {len(rows) - most - 1} more"] if len(rows) > most + 1 else [])


def wait_until_quiet(world: World) -> None:
    """Returns when every webhook is delivered and everything that followed from it is done."""
    world.store.drain()
    deadline = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < deadline:
        with world.database.system() as session:
            if not queries.waiting(session, clock.wall_now() + timedelta(minutes=1)):
                return
        time.sleep(0.1)
    raise DemoError(f"Perennial has not finished its work after {QUIET_SECONDS:.0f} s; see {world.home / 'logs'}.")


def judge(world: World) -> Verdict:
    """Compares everything; the world must be quiet."""
    figures, stats = world.store.figures(), world.store.delivery_stats()
    with world.database.system() as session:
        shop = queries.shop_id(session, world.shop)
        inbox, app = queries.inbox(session, shop), queries.totals(session, shop)
        guests = queries.guest_balances(session, shop)
    verified, words = _ledger_verified(world)
    received = sum(inbox.values())
    differences = [
        Difference(what, mine, theirs)
        for what, mine, theirs in (
            ("webhooks announced / received", figures["webhooks"]["announced"], received),
            ("webhooks acknowledged, each once / received", stats["acknowledged"] - stats["doubled"], received),
            ("webhooks parked", 0, inbox.get("parked", 0)),
            ("customers", figures["customers"], app["customers"]),
            ("orders", _orders(figures), app["orders"]),
            ("points from orders", figures["points_earned"], app["points_issued"] - app["points_reversed"]),
            *((name.replace("_", " "), figures[name], app[name]) for name in _SAME_NAME),
            ("ledger verify", True, verified),
        )
        if mine != theirs
    ]
    accounts: dict[str, dict[str, int]] = figures["accounts"]
    balances = world.members.balances([int(owner) for owner in accounts if owner.isdigit()])
    differences += _accounts(accounts, balances, guests)
    popups = world.visitors().statistics()
    differences += _offers(figures["offers"], popups)
    summary = _summary(stats, inbox, app, words, agrees=not differences)
    return Verdict(summary | {"popups": popups}, differences, balances)


_SAME_NAME = ("points_for_friends", "points_spent", "points_outstanding", "codes_issued", "codes_used")


def _accounts(
    accounts: Mapping[str, Mapping[str, int]], balances: Mapping[int, int | None], guests: Mapping[str, int]
) -> list[Difference]:
    held = {owner: balances[int(owner)] if owner.isdigit() else guests.get(owner) for owner in accounts}
    return [
        Difference(f"account {owner}", row["balance"], held[owner])
        for owner, row in accounts.items()
        if row["balance"] != (held[owner] or 0)
    ]


def _offers(offers: Mapping[str, Mapping[str, Any]], popups: Mapping[str, Mapping[str, Any]]) -> list[Difference]:
    """Codes of popups, and the money of the orders they were used on."""
    held = {
        title: {"codes_used": popup["codes_used"], "revenue": popup["revenue"]["amount"]}
        for title, popup in popups.items()
    }
    return [
        Difference(f"{what} of {title}", offer[what], held[title][what])
        for title, offer in offers.items()
        if title in held
        for what in ("codes_used", "revenue")
        if offer[what] != held[title][what]
    ]


def _orders(figures: dict[str, Any]) -> int:
    return int(figures["orders"]["all"])


def _ledger_verified(world: World) -> tuple[bool, str]:
    try:
        return True, world.perennial("ledger", "verify").strip()
    except DemoError as error:
        return False, str(error)


def _summary(
    stats: dict[str, int], inbox: dict[str, int], app: dict[str, int], verified: str, *, agrees: bool
) -> dict[str, Any]:
    return {
        "webhooks": {
            "sent": stats["sent"],
            "received": sum(inbox.values()),
            "doubled": stats["doubled"],
            "parked": inbox.get("parked", 0),
        },
        "customers": app["customers"],
        "orders": app["orders"],
        "points": {
            name: app[f"points_{name}"] for name in ("issued", "reversed", "for_friends", "spent", "outstanding")
        },
        "codes": {"issued": app["codes_issued"], "used": app["codes_used"]},
        "ledger_verify": verified,
        "agrees": agrees,
    }
