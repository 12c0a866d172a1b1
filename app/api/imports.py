"""Imports of balances: looking at a file, bringing it in, what was brought in, and taking one back."""

from io import BytesIO
from typing import Any

from app import jobs
from app.api import pages
from app.api.operation import Answer, Call
from app.api.words import instant, instant_or_none
from app.errors import Conflict
from app.transfer import balances
from app.transfer.models import BalanceImport
from app.transfer.preview import FirstRow


def list_imports(call: Call) -> Answer:
    """GET /imports"""
    key = pages.after(call, pages.instant_key, pages.uuid_key)
    rows = balances.imports(call.session, call.shop.id)
    if key:
        rows = [row for row in rows if (-row.at.timestamp(), row.id) > (-key[0].timestamp(), key[1])]
    return pages.page(call, rows, _import, lambda row: [row.at.isoformat(), row.id])


def preview_import(call: Call) -> Answer:
    """POST /imports/preview"""
    said = balances.dry_run(call.session, call.shop, _file(call), named=call.body.get("columns"))
    figures = {name: getattr(said, name) for name in ("rows", "points", "lifetime", "people", "new_accounts")}
    return Answer(
        200,
        {
            **figures,
            "debts_paid": said.debts_paid,
            "wrong": said.bad,
            "errors": [error._asdict() for error in said.errors],
            "error_count": said.error_count,
            "first": [_first(row) for row in said.first],
        },
    )


def create_import(call: Call) -> Answer:
    """POST /imports"""
    imported = balances.start(
        call.session,
        call.shop,
        _file(call),
        actor=call.actor,
        named=call.body.get("columns"),
        skip_bad=call.body.get("skip_wrong", False),
        again=call.body.get("again", False),
    )
    jobs.enqueue(
        call.session,
        "imports.carry_on",
        {"shop_id": call.shop.id, "import_id": imported.id},
        queueing_lock=f"imports.carry_on:{call.shop.id}:{imported.id}",
    )
    return Answer(202, _import(imported))


def get_import(call: Call) -> Answer:
    """GET /imports/{import_id}"""
    found = balances.locked(call.session, call.shop.id, call.path["import_id"])
    kept = balances.kept(call.session, call.shop.id, found.id)
    rows = [{"line": row.row, "points": row.kept, "account": str(row.account_id)} for row in kept]
    return Answer(200, {**_import(found), "kept": rows})


def undo_import(call: Call) -> Answer:
    """POST /imports/{import_id}/undo"""
    found = balances.locked(call.session, call.shop.id, call.path["import_id"])
    if found.state == "undone":
        raise Conflict("This import has been undone already.", kind="import-undone")
    jobs.enqueue(
        call.session,
        "imports.take_back",
        {"shop_id": call.shop.id, "import_id": found.id, "actor": call.actor},
        queueing_lock=f"imports.take_back:{call.shop.id}:{found.id}",
    )
    return Answer(202, _import(found))


def _file(call: Call) -> BytesIO:
    return BytesIO(call.body["csv"].encode())


def _first(row: FirstRow) -> dict[str, Any]:
    return {**row._asdict(), "expires_at": instant_or_none(row.expires_at)}


def _import(found: BalanceImport) -> dict[str, Any]:
    return {
        "id": found.id,
        "state": found.state,
        "rows": found.rows,
        "skipped": found.skipped,
        "points": found.points,
        "actor": found.actor,
        "at": instant(found.at),
        "done_at": instant_or_none(found.done_at),
        "undone_at": instant_or_none(found.undone_at),
    }
