"""`perennial ledger verify`: does every balance, lot and source follow from the entries?

Set-based: the database groups, and only what disagrees comes back. Checked for every account of every shop:

1. balance = sum of entries;
2. balance = what remains in lots − what is owed;
3. each source's entries = what its lot granted − what it uses;
4. each lot's grant = what remains + what is used of it;
5. lifetime points = sum of the entries that earn;
6. a redemption's entries = what its state says: its price taken, or given back.

A row changed by hand breaks at least one of them, because no number of points stands in one place alone. Whether orders
are worth what was posted for them is another question; the fold answers it.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Disagreement:
    """Two figures that should be equal. `subject` is a source or a lot; empty for the account as a whole."""

    law: str
    shop_id: int
    account_id: int
    subject: str
    expected: int
    found: int


@dataclass(frozen=True)
class Verdict:
    """The outcome of a verification."""

    accounts: int
    entries: int
    points: int
    disagreements: tuple[Disagreement, ...]

    @property
    def agrees(self) -> bool:
        """Whether everything follows from the entries."""
        return not self.disagreements


_SUMS = """
with entry as (
    select shop_id, program_id, account_id, sum(points)::bigint as points from ledger_entries group by 1, 2, 3
), lot as (
    select shop_id, program_id, account_id, sum(remaining)::bigint as points from lots group by 1, 2, 3
), owed as (
    select shop_id, program_id, account_id, sum(points)::bigint as points
    from lot_uses where lot_id = 0 group by 1, 2, 3
)
"""
_LAWS = (
    (
        "the balance is the sum of the entries",
        _SUMS  # noqa: S608 - a constant of this module
        + """
        select coalesce(b.shop_id, e.shop_id), coalesce(b.account_id, e.account_id), '',
               coalesce(e.points, 0), coalesce(b.points, 0)
        from balances b full join entry e using (shop_id, program_id, account_id)
        where coalesce(e.points, 0) <> coalesce(b.points, 0)
        """,
    ),
    (
        "the balance is what remains in lots less what is owed",
        _SUMS  # noqa: S608 - a constant of this module
        + """
        select coalesce(b.shop_id, l.shop_id), coalesce(b.account_id, l.account_id), '',
               coalesce(l.points, 0) - coalesce(o.points, 0), coalesce(b.points, 0)
        from balances b full join lot l using (shop_id, program_id, account_id)
        full join owed o using (shop_id, program_id, account_id)
        where coalesce(l.points, 0) - coalesce(o.points, 0) <> coalesce(b.points, 0)
        """,
    ),
    (
        "what a source was posted is what it granted less what it uses",
        """
        with entry as (
            select shop_id, program_id, account_id, source_kind, source_id, sum(points)::bigint as points
            from ledger_entries group by 1, 2, 3, 4, 5
        ), held as (
            select shop_id, program_id, account_id, source_kind, source_id, sum(points)::bigint as points from (
                select shop_id, program_id, account_id, source_kind, source_id, granted as points from lots
                union all
                select shop_id, program_id, account_id, source_kind, source_id, -points from lot_uses
            ) parts group by 1, 2, 3, 4, 5
        )
        select shop_id, account_id, source_kind || ' ' || source_id, coalesce(e.points, 0), coalesce(h.points, 0)
        from entry e full join held h using (shop_id, program_id, account_id, source_kind, source_id)
        where coalesce(e.points, 0) <> coalesce(h.points, 0)
        """,
    ),
    (
        "what a lot granted remains in it or is used of it",
        """
        select l.shop_id, l.account_id, 'lot ' || l.id, l.granted, l.remaining + coalesce(u.points, 0)
        from lots l left join (
            select shop_id, lot_id, sum(points)::bigint as points from lot_uses where lot_id <> 0 group by 1, 2
        ) u on u.shop_id = l.shop_id and u.lot_id = l.id
        where l.granted <> l.remaining + coalesce(u.points, 0)
        """,
    ),
    (
        "a redemption has taken its price, or given it back",
        """
        select r.shop_id, r.account_id, 'redemption ' || r.id,
               case when r.state in ('failed', 'cancelled') then 0 else -r.points end,
               coalesce(sum(e.points), 0)::bigint
        from redemptions r left join ledger_entries e on e.shop_id = r.shop_id and e.program_id = r.program_id
            and e.account_id = r.account_id and e.source_kind = 'redemption' and e.source_id = r.id::text
        group by r.shop_id, r.account_id, r.id, r.state, r.points
        having coalesce(sum(e.points), 0) <> case when r.state in ('failed', 'cancelled') then 0 else -r.points end
        """,
    ),
    (
        "lifetime points are the sum of the entries that earn",
        """
        with earned as (
            select shop_id, program_id, account_id, sum(points)::bigint as points
            from ledger_entries
            where source_kind not in ('redemption', 'moved_spending', 'expiry', 'forgiven') group by 1, 2, 3
        )
        select b.shop_id, b.account_id, '', coalesce(e.points, 0), b.lifetime
        from balances b left join earned e using (shop_id, program_id, account_id)
        where coalesce(e.points, 0) <> b.lifetime
        """,
    ),
)
_EXTENT = text("""
select (select count(*) from balances) as accounts, count(*) as entries, coalesce(sum(points), 0)::bigint as points
from ledger_entries
""")


def verify(session: Session) -> Verdict:
    """Check every law over all shops on one snapshot; the session must be a system one that has done nothing yet."""
    session.execute(text("set transaction isolation level repeatable read"))
    extent = session.execute(_EXTENT).one()
    found = [Disagreement(law, *row) for law, statement in _LAWS for row in session.execute(text(statement)).all()]
    return Verdict(extent.accounts, extent.entries, extent.points, tuple(found))
