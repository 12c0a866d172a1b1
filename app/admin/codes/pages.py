"""The page of codes issued: newest first, by state, or the one that somebody typed."""

from datetime import datetime

from app.admin.codes import queries
from app.admin.codes.queries import Issued, Key
from app.admin.members.wording import CODE_STATES
from app.admin.texts import lazy_gettext as _l
from app.admin.visit import View, Visit

PAGE = 50
PURPOSES = {"redemption": _l("Reward"), "referral": _l("Referral")}


def show_list(visit: Visit) -> View:
    """Codes of rewards and referrals."""
    words, state = visit.query.get("q", "").strip()[:100], _state(visit)
    rows = _found(visit, words) if words else _page(visit, state)
    following = f"{rows[PAGE - 1].starts_at.isoformat()}|{rows[PAGE - 1].code}" if len(rows) > PAGE else None
    values = {"codes": rows[:PAGE], "next": following, "words": words, "state": state or ""}
    return View("admin/codes.html", {**values, "states": CODE_STATES, "purposes": PURPOSES, "filters": queries.STATES})


def _found(visit: Visit, words: str) -> list[Issued]:
    return queries.found(visit.session, visit.shop.id, words)


def _page(visit: Visit, state: str | None) -> list[Issued]:
    before = _key(visit.query.get("before", ""))
    return queries.page(visit.session, visit.shop.id, state=state, before=before, limit=PAGE + 1)


def _state(visit: Visit) -> str | None:
    state = visit.query.get("state")
    return state if state in queries.STATES else None


def _key(text: str) -> Key | None:
    """Where the page before ended; a bent address shows the first page."""
    at, _separator, code = text.partition("|")
    try:
        instant = datetime.fromisoformat(at.replace(" ", "+"))
    except ValueError:
        return None
    return Key(instant, code.replace("\x00", "")) if instant.tzinfo and code else None
