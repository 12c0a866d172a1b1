"""The members' pages: the list and its search, one member, points added or taken by hand, the list as a file."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from app import clock
from app.admin.members import queries, wording
from app.admin.members.queries import Member
from app.admin.members.wording import CODE_STATES, ORDER_STATES, REFERRAL_STATES
from app.admin.segments.wording import name_of, why
from app.admin.texts import Formats
from app.admin.texts import gettext as _
from app.admin.visit import Done, File, View, Visit
from app.api import queries as api_queries
from app.api.queries import LARGEST_ID, HeldLot
from app.audit.service import record
from app.errors import NotFound, Unprocessable
from app.loyalty import service, standing
from app.loyalty.ledger import Holder
from app.loyalty.programs import default_program
from app.money import to_decimal_string
from app.referrals import queries as referral_queries
from app.segments import queries as segment_queries
from app.transfer.error_report import neutral

PAGE = 50
# Enough for a year of a busy customer; older ones are a click away.
ENTRIES, ORDERS, OTHERS = 25, 10, 20
COUNTED = 10_000
MOST_IN_FILE = 50_000


def show_list(visit: Visit) -> View:
    """Members newest first, or those whose name or address begins as was typed."""
    program = default_program(visit.session, visit.shop.id).id
    words, which = visit.query.get("q", "").strip()[:200], _which(visit)
    values: dict[str, Any] = {"words": words, "which": which, "lists": queries.LISTS, "next": None, "more": False}
    if words:
        members, values["more"] = queries.found(visit.session, visit.shop.id, program, words)
    else:
        members, values["next"] = _page(visit, program, which)
    values["count"] = queries.count_up_to(visit.session, visit.shop.id, COUNTED + 1)
    return View("admin/members.html", {**values, "members": members, "counted": COUNTED})


def _which(visit: Visit) -> str:
    which = visit.query.get("list", "all")
    return which if which in queries.LISTS else "all"


def _page(visit: Visit, program: int, which: str) -> tuple[list[Member], int | None]:
    before = row_id(visit.query.get("before"))
    rows = queries.listed(visit.session, visit.shop.id, program, which, before=before, limit=PAGE + 1)
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None


def row_id(text: str | None) -> int | None:
    """A key out of an address; None for what is none, so that a bent link shows the first page."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def show(visit: Visit, account_id: int) -> View:
    """All that is known of a member; an account that was taken over leads to the one that has its points."""
    program = default_program(visit.session, visit.shop.id).id
    member = _member(visit, program, account_id)
    holder = Holder(visit.shop.id, program, member.id)
    group = queries.with_merged(visit.session, visit.shop.id, member.id)
    lots = api_queries.lots(visit.session, *holder, beyond=None, limit=OTHERS)
    values = {
        "member": member,
        "standing": standing.account_standing(visit.session, holder, clock.now()),
        "orders": queries.orders(visit.session, visit.shop.id, program, member.id, limit=ORDERS),
        "order_states": ORDER_STATES,
        "codes": queries.codes(visit.session, visit.shop.id, group, limit=OTHERS),
        "code_states": CODE_STATES,
        "receipts": queries.receipts(visit.session, visit.shop.id, group, limit=OTHERS),
        "merged": len(group) - 1,
        "segments": _segments(visit, member.id),
        "referrals": referral_queries.listed(visit.session, visit.shop.id, account=member.id, limit=OTHERS),
        "referral_states": REFERRAL_STATES,
        **_ledger(visit, holder, lots),
    }
    return View("admin/member.html", values)


def _segments(visit: Visit, account_id: int) -> list[dict[str, Any]]:
    formats = Formats(visit.locale, visit.shop.currency, visit.zone)
    return [
        {"segment": one.segment, "name": name_of(one.segment), "since": one.since, "why": why(one.reasons, formats)}
        for one in segment_queries.of_account(visit.session, visit.shop.id, account_id)
    ]


def show_ledger(visit: Visit, account_id: int) -> View:
    """Older entries of the member, page by page."""
    program = default_program(visit.session, visit.shop.id).id
    member = _member(visit, program, account_id)
    holder = Holder(visit.shop.id, program, member.id)
    return View("admin/member_ledger.html", {"member": member, **_ledger(visit, holder, [])})


def _member(visit: Visit, program: int, account_id: int) -> Member:
    found = queries.members(visit.session, visit.shop.id, program, [account_id]) if account_id <= LARGEST_ID else []
    if not found:
        raise NotFound(_("There is no such member in this shop."))
    return found[0]


def _ledger(visit: Visit, holder: Holder, lots: Sequence[HeldLot]) -> dict[str, Any]:
    """Entries and lots with what they are about; the names of all their orders take one statement."""
    before = row_id(visit.query.get("before"))
    rows = api_queries.ledger_entries(visit.session, *holder, before=before, limit=ENTRIES + 1)
    sources = [(entry.source_kind, entry.source_id) for entry, _note in rows]
    sources += [(lot.source_kind, lot.source_id) for lot in lots]
    names = api_queries.order_names(
        visit.session, visit.shop.id, [int(key) for kind, key in sources if kind == "order"]
    )
    entries = [{"entry": entry, "why": wording.reason(entry, names), "note": note} for entry, note in rows[:ENTRIES]]
    older = rows[ENTRIES - 1][0].id if len(rows) > ENTRIES else None
    held = [{"lot": lot, "from": wording.source(lot.source_kind, lot.source_id, names)} for lot in lots]
    return {"entries": entries, "older": older, "lots": held}


def adjust(visit: Visit, account_id: int) -> Done:
    """Add or take points, with a reason that stays in the ledger."""
    form = visit.form
    points = form.whole("points", least=1, most=1_000_000_000)
    way = form.choice("way", ("add", "take"))
    note = form.text("reason", needed=True)
    form.check()
    program = default_program(visit.session, visit.shop.id).id
    member = _member(visit, program, account_id)
    signed = points if way == "add" else -points
    try:
        _adjust(visit, Holder(visit.shop.id, program, member.id), signed, note)
    except Unprocessable as refused:
        if refused.kind != "insufficient-points":
            raise
        form.complain("points", _("There are only %(points)s points.", points=max(int(refused.extra["balance"]), 0)))
        form.check()
    return Done(f"/members/{member.id}", _said(signed, member))


def _adjust(visit: Visit, holder: Holder, points: int, note: str) -> None:
    entry = service.adjust(visit.session, holder, points, request_id=visit.request_id, note=note, actor=visit.actor)
    after = {"entry": str(entry), "points": points}
    subject = f"account:{holder.account_id}"
    record(visit.session, holder.shop_id, actor=visit.actor, what="points.adjusted", subject=subject, after=after)


def _said(points: int, member: Member) -> str:
    if points > 0:
        return _("%(name)s has %(points)s points more.", name=member.title, points=points)
    return _("%(name)s has %(points)s points less.", name=member.title, points=-points)


def download(visit: Visit) -> File:
    """The list as a table for spreadsheets: the newest members first."""
    return File("members.csv", "text/csv", list(_lines(visit, _which(visit))))


def _lines(visit: Visit, which: str) -> Iterator[str]:
    """Read a thousand at a time, and no more than somebody can look through in a spreadsheet."""
    program, currency, before = default_program(visit.session, visit.shop.id).id, visit.shop.currency, None
    yield _row(["account", "customer", "name", "contact", "points", "orders", "spent", "currency", "last order"])
    written = 0
    while rows := queries.listed(visit.session, visit.shop.id, program, which, before=before, limit=1_000):
        for member in rows:
            yield _row(_cells(member, currency))
        written, before = written + len(rows), rows[-1].id
        if written >= MOST_IN_FILE:
            return


def _cells(member: Member, currency: str) -> list[str]:
    last = member.last_order_at.isoformat() if member.last_order_at else ""
    spent = to_decimal_string(member.spent_minor, currency)
    told = (str(member.customer_id or ""), member.name or "", member.contact or "")
    return [str(member.id), *told, str(member.points), str(member.orders), spent, currency, last]


def _row(cells: list[str]) -> str:
    out = io.StringIO()
    # Numbers may begin with a minus sign; only what somebody typed can be a formula.
    csv.writer(out).writerow([cell if _is_number(cell) else neutral(cell) for cell in cells])
    return out.getvalue()


def _is_number(cell: str) -> bool:
    return cell.removeprefix("-").replace(".", "", 1).isdigit()
