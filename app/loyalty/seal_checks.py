"""Whether the sealed past is what it was: every block, the chain between them, its end, and the notes beside it.

Called by `app.loyalty.verify` for spans of blocks, several at a time. A block stands for all ids after the block before
it up to its own last one, so that a row added with an old id is found as well as one that was changed or removed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.loyalty.notes import DIGEST
from app.loyalty.seals import BLOCK, ENTRIES, ENTRY, HASH

# Blocks that one statement checks: under a second of work.
SPAN = 20


@dataclass(frozen=True)
class Disagreement:
    """Two things that should be equal. `subject` is a source, lot, block or note; empty for the account as a whole."""

    law: str
    shop_id: int
    account_id: int | None
    subject: str
    expected: int | str
    found: int | str


@dataclass(frozen=True)
class Span:
    """Some blocks of a shop, from one number to another."""

    shop_id: int
    first: int
    last: int


_SPANS = text("""
select shop_id, min(number), max(number), count(*) from (
    select shop_id, number, (row_number() over (partition by shop_id order by number) - 1) / :span as span
    from ledger_blocks where cast(:shop as bigint) is null or shop_id = :shop
) numbered group by shop_id, span order by shop_id, span
""")
# A block that claims more entries than blocks have is read no further than one row more than it can have.
_BLOCKS = text(f"""
select b.shop_id, b.number, b.first_id, b.last_id, b.entries, b.previous_hash, b.hash,
       p.number as p_number, p.hash as p_hash, e.entries as there, {HASH} as computed
from ledger_blocks b
left join lateral (
    select number, hash, last_id from ledger_blocks p
    where p.shop_id = b.shop_id and p.number < b.number order by p.number desc limit 1
) p on true
cross join lateral (
    select {ENTRIES} from (
        select e.id, {ENTRY} as entry from ledger_entries e
        where e.shop_id = b.shop_id and e.id > coalesce(p.last_id, -9223372036854775808) and e.id <= b.last_id
        order by e.id limit least(greatest(b.entries, 0), {BLOCK}) + 1
    ) e
) e
where b.shop_id = :shop and b.number between :first and :last
order by b.number
""")  # noqa: S608 - constants of this module
_ENDS = text("""
select coalesce(h.shop_id, b.shop_id) as shop_id, h.number, h.hash, h.sealed_to,
       b.number as b_number, b.hash as b_hash, b.last_id, (select max(upto) from seal_marks) as marked,
       (select count(*) from ledger_entries e where e.shop_id = h.shop_id and e.id <= h.sealed_to
        and e.id > coalesce(b.last_id, -9223372036854775808)) as behind
from ledger_heads h full join (
    select distinct on (shop_id) shop_id, number, hash, last_id from ledger_blocks order by shop_id, number desc
) b on b.shop_id = h.shop_id
where cast(:shop as bigint) is null or coalesce(h.shop_id, b.shop_id) = :shop
order by 1
""")
_NOTES = text(f"""
select n.shop_id, e.account_id, n.entry_id, encode(e.note_digest, 'hex') as kept, encode({DIGEST}, 'hex') as computed
from ledger_notes n left join ledger_entries e on e.shop_id = n.shop_id and e.id = n.entry_id
where (cast(:shop as bigint) is null or n.shop_id = :shop) and e.note_digest is distinct from {DIGEST}
order by 1, 3
""")  # noqa: S608 - constants of this module


def spans(session: Session, shop_id: int | None) -> list[Span]:
    """All blocks, in pieces of work."""
    rows = session.execute(_SPANS, {"shop": shop_id, "span": SPAN})
    return [Span(shop, first, last) for shop, first, last, _ in rows]


def check_blocks(session: Session, span: Span) -> list[Disagreement]:
    """What is wrong with these blocks and their links to the ones before."""
    rows = session.execute(_BLOCKS, {"shop": span.shop_id, "first": span.first, "last": span.last})
    return [found for row in rows for found in _check_block(row)]


def _check_block(row: Any) -> Iterator[Disagreement]:
    subject = f"block {row.number} (entries {row.first_id} to {row.last_id})"
    if row.number != (row.p_number or 0) + 1:
        yield Disagreement(
            "no block is missing", row.shop_id, None, f"before {subject}", row.number - 1, row.p_number or 0
        )
    elif bytes(row.previous_hash) != bytes(row.p_hash or b""):
        yield _hashes("a block names the hash of the one before", row.shop_id, subject, row.p_hash, row.previous_hash)
    if row.there != row.entries:
        yield Disagreement("a sealed block has all its entries", row.shop_id, None, subject, row.entries, row.there)
    elif bytes(row.hash) != bytes(row.computed):
        yield _hashes("a sealed block is what was sealed", row.shop_id, subject, row.hash, row.computed)


def check_ends(session: Session, shop_id: int | None) -> list[Disagreement]:
    """What is wrong at the ends of the chains: blocks taken off, rows pushed in behind the last one."""
    return [found for row in session.execute(_ENDS, {"shop": shop_id}) for found in _check_end(row)]


def _check_end(row: Any) -> Iterator[Disagreement]:
    last, law = row.b_number or 0, "a shop's chain ends with its last block"
    if (row.number or 0) != last:
        yield Disagreement(law, row.shop_id, None, "number of blocks", row.number or 0, last)
    elif bytes(row.hash or b"") != bytes(row.b_hash or b""):
        yield _hashes(law, row.shop_id, f"block {last}", row.hash, row.b_hash)
    elif row.sealed_to < (row.last_id or 0):
        yield Disagreement(law, row.shop_id, None, f"end of block {last}", row.last_id, row.sealed_to)
    elif row.sealed_to > (row.marked or 0):
        law = "nothing is sealed that was not committed"
        yield Disagreement(law, row.shop_id, None, "end of the chain", row.marked or 0, row.sealed_to)
    if row.behind:
        subject = f"entries up to {row.sealed_to} that no block holds"
        yield Disagreement("nothing is added to what is sealed", row.shop_id, None, subject, 0, row.behind)


def check_notes(session: Session, shop_id: int | None) -> list[Disagreement]:
    """Notes that are not what their entries say; an erased one is fine."""
    return [
        Disagreement(
            "a note is what was written",
            row.shop_id,
            row.account_id,
            f"note of entry {row.entry_id}",
            f"{_short(row.kept)}",
            f"{_short(row.computed)}",
        )
        for row in session.execute(_NOTES, {"shop": shop_id})
    ]


def _hashes(law: str, shop_id: int, subject: str, expected: bytes | None, found: bytes | None) -> Disagreement:
    return Disagreement(law, shop_id, None, subject, _short(_hex(expected)), _short(_hex(found)))


def _hex(value: bytes | None) -> str | None:
    return None if value is None else bytes(value).hex()


def _short(digest: str | None) -> str:
    return f"{digest[:16]}…" if digest else "nothing"
