"""Bringing `segment_profiles` to what the other tables say, for some accounts or for everybody, by the same statement.

Who has a profile: an account that nobody absorbed, with a customer who is not deleted, forgotten or merged away, or
with no customer at all but an address (guests, sign-ups). Of several customers of one account the account's own, then
the one last changed, gives address, language and consent; countries are those of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import TextClause


@dataclass(frozen=True)
class Scope:
    """Whom a statement is about: these accounts, or everybody (None)."""

    accounts: Sequence[int] | None = None

    def sql(self, column: str) -> str:
        """The condition on a column that names accounts; its parameter is `accounts`."""
        return "true" if self.accounts is None else f"{column} = any(cast(:accounts as bigint[]))"

    @property
    def parameters(self) -> dict[str, Sequence[int]]:
        """The parameter of the condition."""
        return {} if self.accounts is None else {"accounts": self.accounts}


EVERYBODY = Scope()
_COLUMNS = (
    "customer_id", "orders", "spent_minor", "points", "member", "interval_days", "added_at", "first_order_at",
    "last_order_at", "at_risk_at", "email_status", "sms_status", "account_status", "email_domain", "language",
    "countries", "regions", "cities", "tags",
)  # fmt: skip
# Two gaps at least: what happened once is not usual. The median, so that one long pause does not hide the next.
_REFRESH = """
with roots as materialized (
    select a.id, a.created_at from accounts a where a.shop_id = :shop and a.merged_into is null and {roots}
), everyone as materialized (
    select id as root, id from roots
    union all select a.merged_into, a.id from accounts a join roots r on r.id = a.merged_into where a.shop_id = :shop
), people as materialized (
    select e.root, e.root = e.id as own, cast(i.value as bigint) as id, c.created_at, c.updated_at, c.email, c.language,
           c.country, c.province, c.city, c.tags, c.state, c.email_consent, c.sms_consent,
           coalesce(c.deleted_at, c.redacted_at) is null and c.merged_into is null as living
    from everyone e
    join identities i on i.shop_id = :shop and i.account_id = e.id and i.kind = 'customer'
    left join {customers} on true
), faces as (
    select distinct on (root) * from people where living order by root, own desc, updated_at desc nulls last, id
), lands as (
    select root, array_agg(distinct upper(country)) as countries,
           array_agg(distinct upper(country || '-' || province)) filter (where province is not null) as regions,
           array_agg(distinct lower(concat_ws('-', country, province, replace(city, ' ', ''))))
               filter (where city is not null) as cities
    from people where living and country is not null group by root
), labels as (
    select p.root, array_agg(distinct f.key) as tags
    from people p cross join lateral jsonb_each(p.tags) f
    where p.living and cast(f.value ->> 'held' as boolean) group by p.root
), guests as (
    select distinct on (e.root) e.root, i.value as email
    from everyone e join identities i on i.shop_id = :shop and i.account_id = e.id and i.kind in ('email', 'phone')
    where not exists (select from people p where p.root = e.root)
    order by e.root, i.kind, i.value
), gaps as (
    select root, day - lag(day) over (partition by root order by day) as days
    from (
        select o.account_id as root, cast(coalesce(o.processed_at, o.created_at) at time zone :zone as date) as day
        from orders o
        where o.shop_id = :shop and {orders} and o.paid and not o.test
            and o.cancelled_at is null and o.deleted_at is null and o.updated_at is not null
    ) d
), usual as (
    select root, cast(percentile_disc(0.5) within group (order by days) as bigint) as days
    from gaps where days > 0 group by root having count(*) >= 2
), held as (
    select b.account_id, sum(b.points) as points from programs g
    join balances b on b.shop_id = g.shop_id and b.program_id = g.id and {balances}
    where g.shop_id = :shop group by b.account_id
), wanted as materialized (
    select r.id as account_id, f.id as customer_id,
           coalesce(t.lifetime_orders, t.orders, 0) as orders,
           coalesce(t.lifetime_spent_minor, t.spent_minor, 0) as spent_minor,
           coalesce(h.points, 0) as points, h.account_id is not null as member, u.days as interval_days,
           case when f.id is null then r.created_at else f.created_at end as added_at,
           t.first_order_at, t.last_order_at,
           cast(cast(t.last_order_at at time zone :zone as date) + cast(2 * u.days + 1 as int) as timestamp)
               at time zone :zone as at_risk_at,
           upper(coalesce(f.email_consent, 'not_subscribed')) as email_status,
           upper(coalesce(f.sms_consent, 'not_subscribed')) as sms_status,
           upper(f.state) as account_status,
           lower(nullif(split_part(coalesce(f.email, g.email), '@', 2), '')) as email_domain,
           lower(f.language) as language, coalesce(l.countries, '{{}}') as countries,
           coalesce(l.regions, '{{}}') as regions, coalesce(l.cities, '{{}}') as cities,
           coalesce(b.tags, '{{}}') as tags
    from roots r
    left join faces f on f.root = r.id
    left join guests g on g.root = r.id
    left join lands l on l.root = r.id
    left join labels b on b.root = r.id
    left join account_totals t on t.shop_id = :shop and t.account_id = r.id
    left join usual u on u.root = r.id
    left join held h on h.account_id = r.id
    where f.root is not null or g.root is not null
), gone as (
    delete from segment_profiles p
    where p.shop_id = :shop and {profiles} and not exists (select from wanted w where w.account_id = p.account_id)
)
insert into segment_profiles as p (shop_id, account_id, {columns})
select :shop, account_id, {columns} from wanted order by account_id
on conflict (shop_id, account_id) do update set ({columns}) = ({excluded})
where ({ours}) is distinct from ({excluded})
"""


_CUSTOMERS = """lateral (
    select * from customers c where c.shop_id = :shop and c.id = cast(i.value as bigint) {one_by_one}
) c"""


def refresh(session: Session, shop_id: int, scope: Scope, zone: str) -> None:
    """Profiles of these accounts become what the facts are now. `zone` is the shop's, for days between orders."""
    session.execute(_statement(scope), {"shop": shop_id, "zone": zone, **scope.parameters})


def _statement(scope: Scope) -> TextClause:
    return text(
        _REFRESH.format(
            roots=scope.sql("a.id"),
            # Of some, each by the key: a join would read the whole shop where statistics are not there yet.
            customers=_CUSTOMERS.format(one_by_one="" if scope.accounts is None else "limit 1"),
            orders=scope.sql("o.account_id"),
            balances=scope.sql("b.account_id"),
            profiles=scope.sql("p.account_id"),
            columns=", ".join(_COLUMNS),
            ours=", ".join(f"p.{column}" for column in _COLUMNS),
            excluded=", ".join(f"excluded.{column}" for column in _COLUMNS),
        )
    )
