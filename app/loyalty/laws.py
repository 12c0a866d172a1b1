"""What must be equal in the ledger, as statements: one number for all of it, and each law by itself.

Checked for every account of every shop:

1. balance = sum of entries;
2. balance = what remains in lots − what is owed;
3. each source's entries = what its lot granted − what it uses;
4. each lot's grant = what remains + what is used of it;
5. lifetime points = sum of the entries that earn;
6. a redemption's entries = what its state says: its price taken, or given back, or in part.

All are linear, so they can be tested together: every equation gets a random coefficient (a hash of what it is about,
under seeds drawn anew for each run), every row adds its points times the coefficients of its equations, and over a shop
that comes to 0 if all hold. If one does not, it comes to 0 by chance once in 2^30 runs. (The first law follows from the
next three.) So one pass over each table is enough, in whatever order its rows lie, without sorting, grouping or memory.
Only for a shop whose sum is not 0 are the laws looked at one by one, to say what is wrong.

Whether orders are worth what was posted for them is another question; the fold answers it.
"""

from dataclasses import dataclass, replace

from app.loyalty.ledger import NOT_EARNED

_BITS = 30
_UNEARNED = ", ".join(f"'{kind}'" for kind in sorted(NOT_EARNED))
# The names under which seeds are given to the statements.
SEEDS = ("source", "account", "lifetime", "lot", "redemption")


def _small(hashed: str) -> str:
    """So few bits that three of them times points still fit into bigint; what does not is looked at one by one."""
    return f"({hashed} & {(1 << _BITS) - 1})"


def _account(row: str, seed: str) -> str:
    return f"hashint8extended({row}.account_id, :{seed} # {row}.program_id)"


def _source(row: str) -> str:
    of_kind = f"hashtextextended({row}.source_kind, {_account(row, 'source')})"
    return _small(f"hashtextextended({row}.source_id, {of_kind})")


def _redemption(row: str, key: str) -> str:
    return _small(f"hashtextextended({key}, {_account(row, 'redemption')})")


def _lot(key: str) -> str:
    return _small(f"hashint8extended({key}, :lot)")


# What a redemption's entries should sum to.
TAKEN = "(case when r.state in ('failed', 'cancelled') then 0 else r.returned - r.points end)"


@dataclass(frozen=True)
class Share:
    """What the rows of a table add to the sum. `points` are counted for the report."""

    table: str
    row: str
    weight: str
    points: str = "0"


SHARES = (
    Share(
        "ledger_entries",
        "e",
        f"""e.points * ({_source("e")}
            + case when e.source_kind in ({_UNEARNED}) then 0 else {_small(_account("e", "lifetime"))} end
            + case when e.source_kind = 'redemption' then {_redemption("e", "e.source_id")} else 0 end)""",
        "e.points",
    ),
    Share(
        "lots",
        "l",
        f"""l.granted * ({_lot("l.id")} - {_source("l")})
            + l.remaining * ({_small(_account("l", "account"))} - {_lot("l.id")})""",
    ),
    Share(
        "lot_uses",
        "u",
        f"""u.points * ({_source("u")}
            - case when u.lot_id = 0 then {_small(_account("u", "account"))} else {_lot("u.lot_id")} end)""",
    ),
    Share(
        "balances",
        "b",
        f"- b.points * {_small(_account('b', 'account'))} - b.lifetime * {_small(_account('b', 'lifetime'))}",
    ),
    Share("redemptions", "r", f"- {TAKEN} * {_redemption('r', 'r.id::text')}"),
)


def counted_only(share: Share) -> Share:
    """The same rows without their part of the sum."""
    return replace(share, weight="0")


def share_of_pages(share: Share) -> str:
    """The sum over the rows of some pages of a table, by shop."""
    return f"""
        select {share.row}.shop_id, count(*) as rows, sum({share.points}) as points, sum({share.weight}) as weight
        from {share.table} {share.row}
        where {share.row}.ctid >= cast(:first as tid) and {share.row}.ctid < cast(:last as tid)
          and (cast(:shop as bigint) is null or {share.row}.shop_id = :shop)
        group by {share.row}.shop_id
    """  # noqa: S608 - constants of this module


_SUMS = """
with entry as (
    select shop_id, program_id, account_id, sum(points) as points
    from ledger_entries where shop_id = any(:shops) group by 1, 2, 3
), lot as (
    select shop_id, program_id, account_id, sum(remaining) as points
    from lots where shop_id = any(:shops) group by 1, 2, 3
), owed as (
    select shop_id, program_id, account_id, sum(points) as points
    from lot_uses where lot_id = 0 and shop_id = any(:shops) group by 1, 2, 3
), balance as (
    select * from balances where shop_id = any(:shops)
)
"""
# Each gives shop, account, subject, what it should be, what it is.
LAWS = (
    (
        "the balance is the sum of the entries",
        _SUMS  # noqa: S608 - constants of this module
        + """
        select shop_id, account_id, '', coalesce(e.points, 0), coalesce(b.points, 0)
        from balance b full join entry e using (shop_id, program_id, account_id)
        where coalesce(e.points, 0) <> coalesce(b.points, 0)
        """,
    ),
    (
        "the balance is what remains in lots less what is owed",
        _SUMS  # noqa: S608 - constants of this module
        + """
        select shop_id, account_id, '', coalesce(l.points, 0) - coalesce(o.points, 0), coalesce(b.points, 0)
        from balance b full join lot l using (shop_id, program_id, account_id)
        full join owed o using (shop_id, program_id, account_id)
        where coalesce(l.points, 0) - coalesce(o.points, 0) <> coalesce(b.points, 0)
        """,
    ),
    (
        "what a source was posted is what it granted less what it uses",
        """
        with entry as (
            select shop_id, program_id, account_id, source_kind, source_id, sum(points) as points
            from ledger_entries where shop_id = any(:shops) group by 1, 2, 3, 4, 5
        ), held as (
            select shop_id, program_id, account_id, source_kind, source_id, sum(points) as points from (
                select shop_id, program_id, account_id, source_kind, source_id, granted as points from lots
                where shop_id = any(:shops)
                union all
                select shop_id, program_id, account_id, source_kind, source_id, -points from lot_uses
                where shop_id = any(:shops)
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
        with lot as (
            select * from lots where shop_id = any(:shops)
        ), used as (
            select shop_id, lot_id as id, min(account_id) as account_id, sum(points) as points
            from lot_uses where lot_id <> 0 and shop_id = any(:shops) group by 1, 2
        )
        select shop_id, coalesce(l.account_id, u.account_id), 'lot ' || id, coalesce(l.granted, 0),
               coalesce(l.remaining, 0) + coalesce(u.points, 0)
        from lot l full join used u using (shop_id, id)
        where coalesce(l.granted, 0) <> coalesce(l.remaining, 0) + coalesce(u.points, 0)
        """,
    ),
    (
        "a redemption has taken its price, or given it back",
        f"""
        with taken as (
            select shop_id, program_id, account_id, source_id as id, sum(points) as points
            from ledger_entries where source_kind = 'redemption' and shop_id = any(:shops) group by 1, 2, 3, 4
        ), redemption as (
            select shop_id, program_id, account_id, r.id::text as id, {TAKEN} as points
            from redemptions r where shop_id = any(:shops)
        )
        select shop_id, account_id, 'redemption ' || id, coalesce(r.points, 0), coalesce(t.points, 0)
        from redemption r full join taken t using (shop_id, program_id, account_id, id)
        where coalesce(r.points, 0) <> coalesce(t.points, 0)
        """,  # noqa: S608 - constants of this module
    ),
    (
        "lifetime points are the sum of the entries that earn",
        f"""
        with earned as (
            select shop_id, program_id, account_id, sum(points) as points
            from ledger_entries where source_kind not in ({_UNEARNED}) and shop_id = any(:shops) group by 1, 2, 3
        ), balance as (
            select * from balances where shop_id = any(:shops)
        )
        select shop_id, account_id, '', coalesce(e.points, 0), coalesce(b.lifetime, 0)
        from balance b full join earned e using (shop_id, program_id, account_id)
        where coalesce(e.points, 0) <> coalesce(b.lifetime, 0)
        """,  # noqa: S608 - constants of this module
    ),
)
