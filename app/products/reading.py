"""Jobs that ask Shopify for tags and collections, and settle the orders that new labels concern.

`service` plans them. `products.wanted_at` says what is to be read, so a lost job loses nothing: the sweep finds it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.jobs import job
from app.loyalty import service as loyalty
from app.products import service
from app.products.payload import Statement, gone, parse_answer
from app.runtime import Runtime
from app.shopify.client import ShopifyClient, client_for
from app.shopify.errors import ShopGone
from app.sql import rows

log = structlog.get_logger()

# Products a call: with a page of their collections about 500 of the 1,000 points that a query may cost.
_AT_ONCE = 40
# Calls a job, before other shops have their turn.
_CALLS = 25
_ACCOUNTS = 500

_WANTED = text("""
select id, wanted_at from products where shop_id = :shop_id and wanted_at is not null order by wanted_at, id limit :n
""")
_READ = text("""
update products p set read_at = :at, wanted_at = case when p.wanted_at > r.wanted_at then p.wanted_at end
from jsonb_to_recordset(cast(:rows as jsonb)) as r(id bigint, wanted_at timestamptz)
where p.shop_id = :shop_id and p.id = r.id
""")


@job("products.read", queue="shopify")
def read_wanted(runtime: Runtime, *, shop_id: int) -> None:
    """Read the products of a shop that are wanted. Shopify's passing troubles raise, and the job is planned again."""
    client = client_for(runtime, shop_id)
    for _ in range(_CALLS):
        with runtime.database.shop(shop_id) as session:
            wanted = session.execute(_WANTED, {"shop_id": shop_id, "n": _AT_ONCE}).all()
        if not wanted:
            return
        asked_at = clock.now()
        try:
            statements = ask(client, [row.id for row in wanted], asked_at)
        except ShopGone:
            log.info("products not read, the shop is gone", shop=shop_id)
            return
        with runtime.database.shop(shop_id) as session:
            service.take_in(session, statements)
            marks = rows({"id": row.id, "wanted_at": row.wanted_at} for row in wanted)
            session.execute(_READ, {"rows": marks, "shop_id": shop_id, "at": asked_at})
    with runtime.database.shop(shop_id) as session:
        service.plan_reading(session, {shop_id})


def ask(client: ShopifyClient, products: Sequence[int], asked_at: datetime) -> list[Statement]:
    """What Shopify says of these products; one that it does not know is gone. Raises ShopifyError."""
    found: list[Statement] = []
    ids = [f"gid://shopify/Product/{product}" for product in products]
    answer = client.execute("ProductLabels", {"ids": ids, "collectionsAfter": None})["nodes"]
    for product_id, product in zip(products, answer, strict=True):
        if product is None:
            found += gone(client.shop_id, product_id, asked_at)
        else:
            found += parse_answer(client.shop_id, product, _collections(client, product), asked_at)
    return found


def _collections(client: ShopifyClient, product: Mapping[str, Any]) -> list[Any]:
    """All collections of a product; few are in more than a page of them."""
    page = product["collections"]
    nodes = list(page["nodes"])
    while page["pageInfo"]["hasNextPage"]:
        variables = {"ids": [product["id"]], "collectionsAfter": page["pageInfo"]["endCursor"]}
        [more] = client.execute("ProductLabels", variables)["nodes"]
        if more is None:
            break
        page = more["collections"]
        nodes += page["nodes"]
    return nodes


# Known products that are in it and were not, or the other way round.
_DIFFERENT = text("""
select p.shop_id, p.id from products p
left join jsonb_array_elements_text(cast(:members as jsonb)) as m(id) on p.id = cast(m.id as bigint)
where p.shop_id = :shop_id and p.read_at is not null
    and (m.id is not null) <> exists (
        select 1 from product_labels l
        where l.shop_id = p.shop_id and l.product_id = p.id and l.label = :label and l.until = 'infinity')
""")


@job("products.compare_collection", queue="shopify")
def compare_collection(runtime: Runtime, *, shop_id: int, collection_id: int) -> None:
    """Have those known products read that a collection has gained or lost."""
    try:
        members = [int(node["id"].rpartition("/")[2]) for node in _members(client_for(runtime, shop_id), collection_id)]
    except ShopGone:
        return
    with runtime.database.shop(shop_id) as session:
        parameters = {"shop_id": shop_id, "members": f"{members}", "label": f"collection:{collection_id}"}
        service.want_again(session, [(row.shop_id, row.id) for row in session.execute(_DIFFERENT, parameters)])


def _members(client: ShopifyClient, collection_id: int) -> Iterator[Mapping[str, Any]]:
    after = None
    while True:
        variables = {"id": f"gid://shopify/Collection/{collection_id}", "after": after}
        collection = client.execute("CollectionProducts", variables)["collection"]
        if collection is None:
            return
        yield from collection["products"]["nodes"]
        if not collection["products"]["pageInfo"]["hasNextPage"]:
            return
        after = collection["products"]["pageInfo"]["endCursor"]


_CONCERNED = text("""
select distinct o.account_id
from order_lines l join orders o on o.shop_id = l.shop_id and o.id = l.order_id
where l.shop_id = :shop_id and l.product_id = :product_id and o.account_id > :after
    and coalesce(o.processed_at, o.created_at, o.updated_at) >= cast(:since as timestamptz)
order by 1 limit :n
""")


@job("products.settle")
def settle(runtime: Runtime, *, shop_id: int, product_id: int, since: str) -> None:
    """Settle the accounts with orders of a product since its labels changed, some hundreds a transaction."""
    after = 0
    while True:
        with runtime.database.shop(shop_id) as session:
            concerned = _concerned(session, shop_id, product_id, since, after)
            loyalty.settle(session, [(shop_id, account_id) for account_id in concerned])
        if len(concerned) < _ACCOUNTS:
            return
        after = concerned[-1]


def _concerned(session: Session, shop_id: int, product_id: int, since: str, after: int) -> Sequence[int]:
    parameters = {"shop_id": shop_id, "product_id": product_id, "since": since, "after": after, "n": _ACCOUNTS}
    return session.execute(_CONCERNED, parameters).scalars().all()


_WAITING = text("""
select distinct p.shop_id from products p join shops s on s.id = p.shop_id and s.state = 'installed'
where p.wanted_at < :before
""")


@job("products.sweep", cron="*/5 * * * * 30")
def sweep(runtime: Runtime) -> None:
    """Every five minutes: what has been wanted for a while and no job has read."""
    with runtime.database.system() as session:
        before = clock.wall_now() - service.READ_SOON
        service.plan_reading(session, session.execute(_WAITING, {"before": before}).scalars().all())
