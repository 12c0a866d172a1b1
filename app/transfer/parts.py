"""What a shop's file consists of: its parts in their order, and how a row becomes a line and a line a row.

A line is a JSON object with the columns of its table that are not null, without our database's own numbers: accounts,
programs and rewards are named by their rank (temporary table `transfer_ranks`: kind, our number `id`, rank `ref`), lots
by the source that granted them. Columns that are added to a table travel by themselves.
"""

from dataclasses import dataclass, field

RANKED = ("programs", "rewards", "accounts")
# Columns that hold the number of something ranked.
_NAMED = {"program_id": "programs", "reward_id": "rewards"} | dict.fromkeys(
    ("account_id", "merged_into", "kept", "absorbed", "advocate_account_id"), "accounts"
)
# Characters are compared by their bytes, so that every machine sorts alike.
_C = 'collate "C"'
# Where the key of a source holds the number of an absorbed account: points that were carried, their expiry, a debt of
# theirs that was forgiven, and all of it carried on.
_CARRIED = "(^|:)moved(_spending)?:[0-9]+(:|$)"
# A function of this session: `source_id` with one number for another, as `transfer_ranks` has them.
TRANSLATE = """
create or replace function pg_temp.{name}(kind text, id text) returns text language plpgsql stable as $$
declare
    rest text := kind || ':' || id;
    done text := '';
    found text[];
begin
    loop
        found := regexp_match(rest, '^(.*?(?:^|:)moved(?:_spending)?:)([0-9]+)((?::.*)?)$');
        exit when found is null;
        done := done || found[1]
            || (select r.{wanted} from transfer_ranks r where r.kind = 'accounts' and r.{given} = found[2]::bigint);
        rest := found[3];
    end loop;
    return substr(done || rest, length(kind) + 2);
end $$
"""


@dataclass(frozen=True)
class Part:
    """A table in the file, in an order that does not depend on the installation."""

    name: str
    table: str
    order: str
    named: tuple[str, ...] = ()
    # `id` is a number of ours, given anew where the file comes in.
    numbered: bool = False
    # The source of a ledger row may be a carried account; that of a use's lot too.
    sourced: bool = False
    left_out: tuple[str, ...] = ()
    # jsonb columns keep the nulls inside.
    verbatim: tuple[str, ...] = field(default=())

    @property
    def ranked(self) -> bool:
        """Whether its rows have a rank of their own."""
        return self.table in RANKED


PARTS = (
    Part("program", "programs", "own.ref", numbered=True),
    Part("rule_version", "rule_versions", "program_id.ref, t.version", ("program_id",), verbatim=("rules",)),
    Part("reward", "rewards", "own.ref", ("program_id",), numbered=True),
    # Who is in them follows from the facts.
    Part("segment", "segments", "t.id", numbered=True, left_out=("members", "evaluated_on")),
    Part("product", "products", "t.id"),
    Part("product_statement", "product_statements", f"t.product_id, t.source {_C}, t.at"),
    Part("product_label", "product_labels", f"t.product_id, t.label {_C}, t.since"),
    Part("account", "accounts", "own.ref", ("merged_into",), numbered=True),
    Part("merge", "account_merges", "t.id", ("kept", "absorbed"), numbered=True),
    Part("merge_dismissal", "merge_dismissals", "t.one, t.other"),
    Part("identity", "identities", f"t.kind {_C}, t.value {_C}", ("account_id",)),
    Part("customer", "customers", "t.id", left_out=("digest",)),
    Part("order", "orders", "t.id", ("account_id",), left_out=("digest",)),
    Part("order_line", "order_lines", "t.order_id, t.id"),
    Part("order_code", "order_codes", f"t.order_id, t.code {_C}"),
    Part("refund", "refunds", "t.id"),
    Part("refund_line", "refund_lines", "t.refund_id, t.line_id"),
    Part("referral_code", "referral_codes", f"t.code {_C}", ("account_id",)),
    Part("referral", "referrals", "t.order_id", ("advocate_account_id",)),
    Part("action", "actions", f"t.kind {_C}, t.key {_C}", ("account_id",)),
    Part("redemption", "redemptions", "t.created_at, t.id", ("program_id", "account_id", "reward_id")),
    Part("discount_code", "discount_codes", f"t.code {_C}", ("account_id",)),
    Part("entry", "ledger_entries", "t.id", ("program_id", "account_id"), numbered=True, sourced=True),
    Part(
        "lot",
        "lots",
        f"account_id.ref, program_id.ref, t.source_kind {_C}, source.id {_C}",
        ("program_id", "account_id"),
        numbered=True,
        sourced=True,
    ),
    Part(
        "use",
        "lot_uses",
        f"account_id.ref, program_id.ref, t.source_kind {_C}, source.id {_C}, lot.source_kind {_C}, lot_source.id {_C}",
        ("program_id", "account_id"),
        sourced=True,
        left_out=("lot_id",),
    ),
    Part("balance", "balances", "account_id.ref, program_id.ref", ("program_id", "account_id")),
)
BY_NAME = {part.name: part for part in PARTS}


def line_of(part: Part, *, notes: bool = False) -> str:
    """The statement that gives a part's lines; its parameter is `shop_id`. `notes`: words beside entries too."""
    # A customer's `merged_into` is Shopify's number; only an account's is ours.
    given = [f"'{_word(column)}', {column}.ref" for column in part.named]
    joins = [
        _rank(column, f"t.{column}", strict=column != "merged_into" and part.table != "orders") for column in part.named
    ]
    dropped = ["shop_id", *part.named, *part.left_out, *(["id"] if part.numbered else [])]
    if part.ranked:
        given.append("'ref', own.ref")
        joins.insert(0, f"join transfer_ranks own on own.kind = '{part.table}' and own.id = t.id")
    if part.sourced:
        given.append("'source_id', source.id")
        joins.append(_portable("t", "source"))
    if part.name == "use":
        given.append("'lot_kind', lot.source_kind, 'lot_source', lot_source.id")
        joins.append("left join lots lot on lot.shop_id = t.shop_id and lot.id = t.lot_id")
        joins.append(_portable("lot", "lot_source"))
    if part.name == "entry" and notes:
        given.append("'note', n.note, 'salt', n.salt")
        joins.append("left join ledger_notes n on n.shop_id = t.shop_id and n.entry_id = t.id")
    verbatim = "".join(f" || jsonb_build_object('{column}', t.{column})" for column in part.verbatim)
    return f"""
        select (jsonb_strip_nulls((to_jsonb(t) - array{dropped!r}) || jsonb_build_object('part', '{part.name}'
                {"".join(f", {pair}" for pair in given)})){verbatim})::text
        from {part.table} t {" ".join(joins)}
        where t.shop_id = %(shop_id)s order by {part.order}
    """  # noqa: S608 - names of our own tables


def row_of(part: Part) -> str:
    """The statement that writes a part's rows from its lines, which lie in `transfer_<part>` as (n, data)."""
    given = [f"'{column}', {column}.id" for column in part.named]
    joins = [
        f"left join transfer_ranks {column} on {column}.kind = '{_NAMED[column]}' "
        f"and {column}.ref = (s.data ->> '{_word(column)}')::bigint"
        for column in part.named
    ]
    if part.ranked:
        given.append("'id', own.id")
        joins.append(f"join transfer_ranks own on own.kind = '{part.table}' and own.ref = (s.data ->> 'ref')::bigint")
    number = ""
    if part.numbered and not part.ranked:
        # Before anything is joined, which may change the order of rows, and with it that of their numbers.
        number = f", nextval(pg_get_serial_sequence('{part.table}', 'id')) as number"
        given.append("'id', s.number")
    if part.sourced:
        given.append("'source_id', source.id")
        joins.append(_own("s.data ->> 'source_kind'", "s.data ->> 'source_id'", "source"))
    if part.name == "use":
        given.append("'lot_id', coalesce(lot.id, 0)")
        joins.append(_own("s.data ->> 'lot_kind'", "s.data ->> 'lot_source'", "lot_source"))
        joins.append(
            "left join lots lot on lot.shop_id = :shop_id and lot.program_id = program_id.id "
            "and lot.account_id = account_id.id and lot.source_kind = s.data ->> 'lot_kind' "
            "and lot.source_id = lot_source.id"
        )
    if "digest" in part.left_out:
        # Not null where a version is known; the next telling of the same second is newer, and settles it.
        given.append("'digest', case when s.data ? 'updated_at' then '\\x' end")
    written = f"""
        select s.n, s.data || jsonb_build_object('shop_id', cast(:shop_id as bigint)
               {"".join(f", {pair}" for pair in given)}) as data
        from (select l.*{number} from (select * from transfer_{part.name} order by n) l) s {" ".join(joins)}
    """  # noqa: S608 - names of our own tables
    insert = f"""
        insert into {part.table} select r.* from written w
        cross join lateral jsonb_populate_record(null::{part.table}, w.data) r order by w.n
    """  # noqa: S608 - names of our own tables
    if part.name != "entry":
        return f"with written as materialized ({written}) {insert}"
    return f"""
        with written as materialized ({written}), entries as ({insert})
        insert into ledger_notes (shop_id, entry_id, note, salt)
        select :shop_id, (data ->> 'id')::bigint, data ->> 'note', (data ->> 'salt')::bytea
        from written where data ? 'note'
    """  # noqa: S608 - names of our own tables


def _word(column: str) -> str:
    """How a line names something ranked: `account`, not a number of ours."""
    return column.removesuffix("_id")


def _rank(column: str, number: str, *, strict: bool) -> str:
    # Entries of an undone import may belong to an account that is gone; they sum to nothing and stay behind.
    kind = "join" if strict else "left join"
    return f"{kind} transfer_ranks {column} on {column}.kind = '{_NAMED[column]}' and {column}.id = {number}"


def _portable(row: str, name: str) -> str:
    """A lateral join: the key of a source with the rank of a carried account in place of our number."""
    return _translated(f"{row}.source_kind", f"{row}.source_id", "portable_source", name)


def _own(kind: str, key: str, name: str) -> str:
    """The other way: our number in place of the rank."""
    return _translated(f"({kind})", f"({key})", "own_source", name)


def _translated(kind: str, key: str, function: str, name: str) -> str:
    return f"""
        cross join lateral (select case when {kind} || ':' || {key} ~ '{_CARRIED}'
            then pg_temp.{function}({kind}, {key}) else {key} end as id) {name}
    """
