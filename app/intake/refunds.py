"""Reading the contents of refunds that a run has met, some a call: a bulk query tells only their ids.

Refunds that a webhook has told already are not read again: they never change.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.intake import staging
from app.intake.rows import REFUND_LINES
from app.orders.admin_api import refund_body
from app.orders.payload import parse_refund
from app.orders.snapshot import RefundSnapshot
from app.shopify.client import ShopifyClient
from app.sql import rows

# Shopify's price of a call is by what is asked for: so many refunds are about 500 of the 1,000 points it may cost.
AT_ONCE = 15


class Wanted(NamedTuple):
    """A refund to be read, with what of its order its reading needs."""

    id: int
    order_id: int
    currency: str
    taxes_included: bool


_WANTED = """
select f.id, f.order_id, s.currency, s.taxes_included
from {refunds} f join {orders} s on s.id = f.order_id
where f.id > :after and not f.read
    and not exists (select from refunds r where r.shop_id = f.shop_id and r.id = f.id)
order by f.id limit :n
"""


def wanted(session: Session, run_id: int, after: int) -> Sequence[Wanted]:
    """The next refunds to be read."""
    found = session.execute(text(_WANTED.format(**staging.names(run_id))), {"after": after, "n": AT_ONCE})
    return [Wanted(*row) for row in found]


def read(client: ShopifyClient, refunds: Sequence[Wanted]) -> list[RefundSnapshot]:
    """Ask Shopify; one that it does not show (any more) is left out. Raises ShopifyError."""
    ids = [f"gid://shopify/Refund/{refund.id}" for refund in refunds]
    answers = client.execute("RefundsReread", {"ids": ids})["nodes"]
    return [
        _snapshot(client, refund, answer) for refund, answer in zip(refunds, answers, strict=True) if answer is not None
    ]


def _snapshot(client: ShopifyClient, refund: Wanted, answer: Mapping[str, Any]) -> RefundSnapshot:
    order = {"id": refund.order_id, "taxesIncluded": refund.taxes_included}
    lines = answer["refundLineItems"]
    while lines["pageInfo"]["hasNextPage"]:
        page = client.execute("RefundReread", {"id": answer["id"], "linesAfter": lines["pageInfo"]["endCursor"]})
        more = page["refund"]["refundLineItems"]
        lines = {"nodes": lines["nodes"] + more["nodes"], "pageInfo": more["pageInfo"]}
    body = refund_body(order, {**answer, "refundLineItems": lines})
    return parse_refund(client.shop_id, body, currency=refund.currency, order_id=refund.order_id)


_FILL = """
update {refunds} f set lines_minor = r.lines_minor, loose_minor = r.loose_minor, shipping_minor = r.shipping_minor,
    read = true
from jsonb_to_recordset(cast(:rows as jsonb)) as r(id bigint, lines_minor bigint, loose_minor bigint,
                                                   shipping_minor bigint)
where f.id = r.id and not f.read
"""


def note(session: Session, run_id: int, told: Sequence[RefundSnapshot]) -> None:
    """Keep what was read with the rest of the run."""
    values = rows(
        {"id": r.id, "lines_minor": r.lines_minor, "loose_minor": r.loose_minor, "shipping_minor": r.shipping_minor}
        for r in told
    )
    session.execute(text(_FILL.format(**staging.names(run_id))), {"rows": values})
    pieces = [
        f"{refund.shop_id}\t{refund.id}\t{line_id}\t{quantity}\n"
        for refund in told
        for line_id, quantity in refund.lines
    ]
    staging.fill(session, run_id, {"refund_lines": (REFUND_LINES, pieces)})
