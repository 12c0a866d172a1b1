"""Hundreds of small shops living side by side in one transaction, through the services that serve real ones.

A law runs many cases together: each is a shop (or several, to be compared), and everything that happens in one window
of time goes through the services as one batch, as the inbox loop does it. The transaction is rolled back at the end.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, text, update
from sqlalchemy.orm import Session

from app import clock, job_table
from app.changes import Changes, Key
from app.customers import accounts
from app.customers import service as customers
from app.customers.payload import CustomerSnapshot, Merge
from app.loyalty import expiry, idleness, laws, ledger
from app.loyalty import service as loyalty
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import Source
from app.loyalty.models import Program, RuleVersion
from app.orders import service as orders
from app.orders.snapshot import OrderSnapshot, RefundSnapshot
from app.products import service as products
from app.products.payload import Statement
from app.reactions import react
from app.runtime import Runtime
from app.shops.models import Shop
from app.sql import rows
from tests.loyalty.law_histories import Deed, Fact
from tests.loyalty.law_orders import Deletion
from tests.loyalty.law_rules import START


@dataclass(frozen=True)
class Plan:
    """A shop's program."""

    versions: Sequence[tuple[datetime | None, dict[str, Any]]]
    zone: str = "UTC"
    complete_from: datetime | None = None
    program: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Village:
    """The shops of a batch, by their ids, and their programs."""

    runtime: Runtime
    session: Session
    programs: dict[int, int] = field(default_factory=dict)

    def open(self, plans: Sequence[Plan]) -> list[int]:
        """Shops with these programs; returns their ids, in order."""
        common = {"currency": "USD", "state": "installed", "code_key": b"", "installed_at": START, "created_at": START}
        shops = [
            {"domain": f"{uuid.uuid4()}.example", "timezone": plan.zone, "orders_complete_from": plan.complete_from}
            for plan in plans
        ]
        made = insert(Shop).returning(Shop.id, sort_by_parameter_order=True)
        ids = list(self.session.scalars(made, [shop | common for shop in shops]))
        blank = {"name": "Points", "created_at": START, "earns_from": None, "ends_at": None}
        blank |= {"history_chosen_at": None, "history_from": None, "forgives_debts": False}
        values = [{"shop_id": shop, **blank, **plan.program} for shop, plan in zip(ids, plans, strict=True)]
        programs = insert(Program).returning(Program.id, sort_by_parameter_order=True)
        self.programs |= dict(zip(ids, self.session.scalars(programs, values), strict=True))
        self.add_versions((shop, *version) for shop, plan in zip(ids, plans, strict=True) for version in plan.versions)
        return ids

    def add_versions(self, versions: Iterable[tuple[int, datetime | None, dict[str, Any]]]) -> None:
        """Rule versions (shop, in force from, rules), numbered on."""
        known: dict[int, int] = dict(
            self.session.execute(text("select shop_id, max(version) from rule_versions group by 1")).all()
        )
        values = []
        for shop, since, rules in versions:
            known[shop] = known.get(shop, 0) + 1
            values.append(
                {
                    "shop_id": shop,
                    "program_id": self.programs[shop],
                    "version": known[shop],
                    "in_force_from": since,
                    "rules": rules,
                    "created_at": START,
                }
            )
        self.session.execute(insert(RuleVersion), values)

    def end_program(self, shop: int, instant: datetime) -> None:
        """A program earns nothing from an instant on, if it did not end before."""
        ended = func.least(Program.ends_at, instant)
        self.session.execute(update(Program).where(Program.shop_id == shop).values(ends_at=ended))

    def go_to(self, instant: datetime) -> None:
        """It is this late now."""
        clock.set_offset(self.runtime.settings.home, instant - clock.wall_now())

    def take(self, items: Iterable[Any]) -> None:
        """Everything that comes in together, as the inbox loop does it; then what people did."""
        told: dict[type, list[Any]] = defaultdict(list)
        for item in items:
            told[type(item)].append(item)
        changes, absorbed = Changes(), frozenset[Key]()
        changes.add(orders.apply(self.session, told[OrderSnapshot]))
        changes.add(orders.apply_refunds(self.session, told[RefundSnapshot]))
        changes.add(orders.delete(self.session, [(one.shop_id, one.order_id, one.at) for one in told[Deletion]]))
        changes.add(customers.apply(self.session, told[CustomerSnapshot]))
        if told[Merge]:
            merged, regrouped = customers.merge(self.session, told[Merge])
            changes.add(merged)
            absorbed = frozenset(regrouped)
        products.take_in(self.session, told[Statement])
        changes.accounts |= self._record(told[Deed])
        react(self.session, changes, absorbed)
        self._settle_products()
        self._post(told[Fact])

    def analyze(self) -> None:
        """Let the planner know what is there: within one transaction nobody else tells it."""
        self.session.execute(text("analyze"))

    def settle_all(self) -> None:
        """Every account again."""
        found = self.session.execute(text("select shop_id, id from accounts where merged_into is null"))
        loyalty.settle(self.session, [(row.shop_id, row.id) for row in found])

    def sweep(self) -> None:
        """What is over by now."""
        while expiry.sweep(self.session, step=10_000) >= 10_000:
            pass

    def disagreements(self) -> list[str]:
        """Where the ledger contradicts itself: the laws of `ledger verify`, in the open transaction."""
        shops = {"shops": sorted(self.programs)}
        return [f"{law}: {tuple(row)}" for law, sql in laws.LAWS for row in self.session.execute(text(sql), shops)]

    def _record(self, deeds: Sequence[Deed]) -> set[Key]:
        owners = accounts.accounts_of_customers(self.session, {(deed.shop_id, deed.customer) for deed in deeds})
        values = [
            {
                "shop_id": deed.shop_id,
                "kind": deed.kind,
                "key": deed.key,
                "account_id": owners[deed.shop_id, deed.customer],
                "business_at": deed.at,
                "recorded_at": deed.at,
            }
            for deed in deeds
        ]
        self.session.execute(_DEEDS, {"rows": rows(values)})
        return {(deed.shop_id, owners[deed.shop_id, deed.customer]) for deed in deeds}

    def _settle_products(self) -> None:
        """What the jobs of `app.products.reading` would do, in this transaction."""
        found = self.session.execute(_CONCERNED)
        loyalty.settle(self.session, [(row.shop_id, row.account_id) for row in found])
        self.session.execute(text("delete from procrastinate_jobs"))

    def _post(self, facts: Sequence[Fact]) -> None:
        owners = accounts.accounts_of_customers(self.session, {(fact.shop_id, fact.customer) for fact in facts})
        holders = [Holder(f.shop_id, self.programs[f.shop_id], owners[f.shop_id, f.customer]) for f in facts]
        ledger.lock_balances(self.session, holders)
        lots = ledger.load_lots(self.session, holders)
        expiry.expire(self.session, set(holders), clock.now(), lots)
        postings = [_posting(fact, holder) for fact, holder in zip(facts, holders, strict=True)]
        spent = [posting for posting in postings if posting.source.kind == "redemption"]
        self.session.execute(_REDEMPTIONS, {"rows": rows(_redemption(posting) for posting in spent)})
        ledger.post(self.session, postings, lots)
        idleness.renew(self.session, {posting.holder: posting.business_at for posting in postings})


@contextmanager
def village(runtime: Runtime) -> Iterator[Village]:
    """Shops of which nothing stays."""
    job_table.load()
    with runtime.database.system() as session:
        yield Village(runtime, session)
        session.rollback()


_DEEDS = text("""
insert into actions select * from jsonb_populate_recordset(null::actions, cast(:rows as jsonb)) on conflict do nothing
""")
_CONCERNED = text("""
select distinct o.shop_id, o.account_id
from procrastinate_jobs j
cross join lateral jsonb_to_record(j.args) as a(shop_id bigint, product_id bigint, since text)
join order_lines l on l.shop_id = a.shop_id and l.product_id = a.product_id
join orders o on o.shop_id = l.shop_id and o.id = l.order_id
where j.task_name = 'products.settle' and o.account_id is not null
    and coalesce(o.processed_at, o.created_at, o.updated_at) >= cast(a.since as timestamptz)
""")
_REDEMPTIONS = text("""
insert into redemptions (shop_id, id, program_id, account_id, reward_id, points, code, state, created_at)
select shop_id, id, program_id, account_id, 1, points, code, 'issued', created_at
from jsonb_to_recordset(cast(:rows as jsonb)) as r(
    shop_id bigint, id uuid, program_id bigint, account_id bigint, points bigint, code text, created_at timestamptz)
""")


def _posting(fact: Fact, holder: Holder) -> Posting:
    key = str(uuid.UUID(int=fact.shop_id * 1000 + int(fact.key))) if fact.kind == "redemption" else fact.key
    reason = "redeemed" if fact.kind == "redemption" else "adjusted"
    return Posting(
        holder=holder,
        source=Source(fact.kind, key),
        points=fact.points,
        reason=reason,
        business_at=fact.at,
        actor="law",
    )


def _redemption(posting: Posting) -> dict[str, Any]:
    return posting.holder._asdict() | {
        "id": posting.source.id,
        "points": -posting.points,
        "code": f"C-{posting.source.id}",
        "created_at": posting.business_at,
    }


# Everything that has to be equal, by shop and named by whom it belongs to: ids that we made differ between shops.
_WHO = """
named as (
    select a.shop_id, a.id, coalesce(min(i.kind || ':' || i.value), '?') as who
    from accounts a left join identities i on i.shop_id = a.shop_id and i.account_id = a.id group by 1, 2
)
"""
_VIEWS = {
    "orders": """select shop_id, id, updated_at, triggered_at, financial_status, current_subtotal_minor,
        gift_card_minor, customer_id, email, paid, cancelled_at, deleted_at is null, listed_refunds from orders""",
    "lines": "select shop_id, order_id, id, current_quantity, tax_minor, product_id from order_lines",
    "refunds": "select shop_id, id, order_id, lines_minor, loose_minor, shipping_minor from refunds",
    "customers": "select shop_id, id, email, verified_email, updated_at, merged_into from customers",
    "labels": "select shop_id, product_id, label, since::text, until::text from product_labels",
    "totals": f"""with {_WHO} select t.shop_id, who, orders, lifetime_orders, spent_minor, history_known, first_order_at
        from account_totals t join named n on n.shop_id = t.shop_id and n.id = t.account_id where orders > 0""",
    "balances": f"""with {_WHO} select b.shop_id, who, points, lifetime
        from balances b join named n on n.shop_id = b.shop_id and n.id = b.account_id
        where points <> 0 or lifetime <> 0""",
    "sources": f"""with {_WHO} select e.shop_id, who, source_kind, source_id, sum(points)::bigint
        from ledger_entries e join named n on n.shop_id = e.shop_id and n.id = e.account_id
        where source_kind in ('order', 'action') group by 1, 2, 3, 4 having sum(points) <> 0""",
    "lots": f"""with {_WHO} select l.shop_id, who, source_kind, source_id, granted, remaining, available_at, expires_at
        from lots l join named n on n.shop_id = l.shop_id and n.id = l.account_id
        where granted <> 0 and source_kind not like 'moved%'""",
}
State = dict[int, dict[str, list[tuple[Any, ...]]]]


def state(session: Session, names: Iterable[str] = tuple(_VIEWS)) -> State:
    """What every shop holds."""
    found: State = defaultdict(lambda: {name: [] for name in names})
    for name in names:
        for shop_id, *rest in session.execute(text(_VIEWS[name])):
            found[shop_id][name].append(tuple(rest))
    for views in found.values():
        for held in views.values():
            held.sort(key=repr)
    return found


ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Auckland")
