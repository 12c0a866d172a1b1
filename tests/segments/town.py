"""A shop whose customers do things on days of its calendar, through the doors that do them in earnest."""

import itertools
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, text

from app import clock
from app.changes import Changes
from app.customers import accounts, merging, service, tags
from app.customers.payload import Consent, Merge, parse_customer
from app.loyalty import service as loyalty
from app.loyalty.ledger import Holder
from app.loyalty.programs import default_program
from app.orders import service as orders
from app.orders.payload import parse_order
from app.reactions import react
from app.runtime import Runtime
from app.segments import dirty
from app.segments.first import begin
from app.segments.follow import step
from app.segments.models import Segment
from app.shops.models import Shop
from tests.webhooks.deliveries import customer_body, order_body

ZONE = ZoneInfo("Europe/Berlin")
DAY_ONE = date(2026, 3, 1)


class Town:
    """One shop in Berlin; it is noon of DAY_ONE there until `wait`."""

    def __init__(self, runtime: Runtime, shop: Shop) -> None:
        self.runtime, self.shop = runtime, shop
        self._second = itertools.count(1)
        self._number = itertools.count(1)
        self.at(datetime.combine(DAY_ONE, time(12), ZONE))

    def at(self, moment: datetime) -> None:
        """It becomes this instant, for everybody."""
        clock.set_offset(self.runtime.settings.home, moment - clock.wall_now())

    def wait(self, days: int) -> None:
        """So many days go by."""
        self.at(clock.now() + timedelta(days=days))

    def begin(self) -> None:
        """The segments of the start, followed."""
        with self.runtime.database.system() as session:
            begin(session, session.get_one(Shop, self.shop.id))
        self.follow()

    def follow(self) -> None:
        """What the job does, to the end."""
        while True:
            with self.runtime.database.shop(self.shop.id) as session:
                if not step(session, self.shop.id).more:
                    return

    def rebuild(self) -> None:
        """Everybody is looked at anew."""
        with self.runtime.database.shop(self.shop.id) as session:
            dirty.note_shop(session, self.shop.id)
        self.follow()

    def customer(
        self, customer: int, *, days_ago: int = 0, country: str | None = None, place: Any = None, **more: Any
    ) -> None:
        """What Shopify says of a customer now, who was added so many days ago."""
        now = clock.now() + timedelta(seconds=next(self._second))
        address = place or ({"country_code": country} if country else None)
        body = customer_body(customer, at=now, **more) | {"default_address": address}
        body["created_at"] = (clock.now() - timedelta(days=days_ago)).isoformat()
        with self.runtime.database.system() as session:
            react(session, service.apply(session, [parse_customer(self.shop.id, body, now)]))

    def order(self, customer: int | None, *, days_ago: int = 0, cents: int = 5_000, **more: Any) -> int:
        """A paid order of so many days ago, told now; returns its id."""
        number = next(self._number)
        at = clock.now() - timedelta(days=days_ago)
        body = order_body(number, at=clock.now(), total=f"{cents / 100:.2f}", customer_id=customer, **more)
        body |= {"created_at": at.isoformat(), "processed_at": at.isoformat()}
        with self.runtime.database.system() as session:
            react(session, orders.apply(session, [parse_order(self.shop.id, body, clock.now())]))
        return number

    def cancelled(self, order: int) -> None:
        """Shopify deleted the order."""
        with self.runtime.database.system() as session:
            react(session, orders.delete(session, [(self.shop.id, order, clock.now())]))

    def consents(self, customer: int, state: str) -> None:
        """A statement on e-mails."""
        at = clock.now() + timedelta(seconds=next(self._second))
        said = Consent(shop_id=self.shop.id, customer_id=customer, channel="email", state=state, level=None, at=at)
        with self.runtime.database.system() as session:
            service.apply_consents(session, [said])

    def tagged(self, customer: int, *names: str, held: bool = True) -> None:
        """Tags were put on a customer, or taken off."""
        at = clock.now() + timedelta(seconds=next(self._second))
        body = {"customerId": f"gid://shopify/Customer/{customer}", "tags": list(names), "occurredAt": at.isoformat()}
        with self.runtime.database.system() as session:
            tags.apply(session, [tags.parse_news(self.shop.id, body, at, held=held)])

    def gone(self, customer: int) -> None:
        """Shopify deleted the customer."""
        with self.runtime.database.system() as session:
            react(session, service.delete(session, [(self.shop.id, customer, clock.now())]))

    def merged(self, kept: int, absorbed: int) -> None:
        """Shopify made one of two customers."""
        with self.runtime.database.system() as session:
            changes, regrouped = service.merge(session, [Merge(self.shop.id, kept, absorbed)])
            react(session, changes, frozenset(regrouped))

    def parted(self) -> None:
        """Every merge is undone."""
        with self.runtime.database.system() as session:
            facts = session.execute(text("select shop_id, id from account_merges where undone_at is null")).all()
            regrouped = merging.undo(session, [(row.shop_id, row.id) for row in facts], "staff:1")
            react(session, Changes(accounts=set(regrouped)), frozenset(regrouped))

    def account(self, customer: int) -> int:
        """The account that stands for a customer."""
        with self.runtime.database.system() as session:
            key = (self.shop.id, customer)
            return accounts.accounts_of_customers(session, {key})[key]

    def points(self, customer: int, points: int) -> None:
        """Points by hand."""
        account = self.account(customer)
        with self.runtime.database.shop(self.shop.id) as session:
            holder = Holder(self.shop.id, default_program(session, self.shop.id).id, account)
            request = f"by-hand-{next(self._number)}"
            loyalty.adjust(session, holder, points, request_id=request, note="x", actor="staff:1", allow_negative=True)

    def segment(self, query: str, name: str = "Mine") -> int:
        """A segment of the merchant's own; its id."""
        with self.runtime.database.shop(self.shop.id) as session:
            now = clock.now()
            made = Segment(shop_id=self.shop.id, name=name, query=query, created_at=now, updated_at=now)
            session.add(made)
            session.flush()
            return made.id

    def members(self, segment: str | int) -> list[int]:
        """The customers in a segment, by its key or id; guests as 0."""
        with self.runtime.database.system() as session:
            found = text("""
                select coalesce(p.customer_id, 0) from segment_members m
                join segments s on s.shop_id = m.shop_id and s.id = m.segment_id
                left join segment_profiles p on p.shop_id = m.shop_id and p.account_id = m.account_id
                where m.shop_id = :shop and (s.key = :key or s.id = :id) order by 1
            """)
            named = {"key": segment if isinstance(segment, str) else None}
            number = {"id": segment if isinstance(segment, int) else None}
            return list(session.execute(found, {"shop": self.shop.id, **named, **number}).scalars())

    def moves(self) -> list[tuple[int, str, int, bool]]:
        """Transitions: number, segment by its key, or name, account, whether it was entered."""
        with self.runtime.database.system() as session:
            found = text("""
                select t.number, coalesce(s.key, s.name, '') as segment, t.account_id, t.entered
                from segment_transitions t left join segments s on s.shop_id = t.shop_id and s.id = t.segment_id
                where t.shop_id = :shop order by t.number
            """)
            return [tuple(row) for row in session.execute(found, {"shop": self.shop.id})]

    def picture(self) -> dict[str, Any]:
        """Profiles, members and their counts."""
        with self.runtime.database.system() as session:
            said = {"shop": self.shop.id}
            members = text("select segment_id, account_id from segment_members where shop_id = :shop order by 1, 2")
            profiles = text("select to_jsonb(p) from segment_profiles p where shop_id = :shop order by account_id")
            segments = session.scalars(select(Segment).where(Segment.shop_id == self.shop.id).order_by(Segment.id))
            return {
                "members": [tuple(row) for row in session.execute(members, said)],
                "profiles": list(session.execute(profiles, said).scalars()),
                "counts": {segment.id: segment.members for segment in segments},
            }
