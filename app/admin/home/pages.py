"""The home, as handlers of the table."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from app import clock
from app.admin.figures import kept
from app.admin.figures.kept import Figures
from app.admin.home import queries
from app.admin.segments.wording import name_of
from app.admin.setup import proposals
from app.admin.setup import service as setup
from app.admin.texts import Formats
from app.admin.texts import gettext as _
from app.admin.visit import View, Visit
from app.loyalty.programs import default_program, program_rules
from app.segments import queries as segment_queries
from app.segments import service as segments
from app.shopify.origin import shop_url
from app.shopify.session import missing_scopes
from app.shops.connection import standing

EMBED = "popups"
_MOST_WAITING = 100


def show(visit: Visit) -> View:
    """Installation, figures, set-up steps."""
    profile = setup.profile(visit.session, visit.shop.id)
    program = default_program(visit.session, visit.shop.id)
    live = program_rules(visit.session, [visit.shop.id])[visit.shop.id]
    figures = kept.of(visit.session, visit.shop, "home")
    values: dict[str, Any] = {
        "standing": standing(visit.shop),
        "missing": missing_scopes(visit.shop.scopes, visit.settings.scopes),
        "inbox": _inbox(visit),
        "launched": profile.launched_at is not None,
        "running": live.at(clock.now()) is not None,
        "program": program,
        "goal": proposals.GOALS.get(profile.setup.get("goal", "")),
        "embed_link": embed_link(visit),
        "counted_at": figures.counted_at if figures else None,
        "at_risk": _at_risk(visit),
    }
    if figures:
        values |= _compared(visit, figures, profile.setup.get("goal", ""))
    return View("admin/home.html", values)


def embed_link(visit: Visit) -> str:
    """Where the merchant switches the app embed on: the theme editor, with our block at hand."""
    wanted = f"{visit.settings.api_key}/{EMBED}"
    path = f"/admin/themes/current/editor?context=apps&template=index&activateAppId={wanted}"
    return shop_url(visit.settings, visit.shop.domain, path)


def _at_risk(visit: Visit) -> dict[str, Any] | None:
    """Who has waited longer than usual, now and thirty days ago; None when the segment was deleted."""
    segment = segments.of_the_start(visit.session, visit.shop.id, "at_risk")
    if segment is None:
        return None
    days = segment_queries.history(visit.session, visit.shop.id, segment.id, days=queries.DAYS)
    return {"segment": segment, "name": name_of(segment), "before": days[0].members}


def _inbox(visit: Visit) -> dict[str, Any]:
    """When Shopify was heard last, how much waits, and what could not be used."""

    def some(state: str | None, limit: int) -> Sequence[Any]:
        return visit.inbox.page(visit.session, visit.shop.id, state=state, topic=None, before=None, limit=limit)

    newest = some(None, 1)
    return {
        "heard_at": newest[0].received_at if newest else None,
        "waiting": len(some("pending", _MOST_WAITING)),
        "parked": len(some("parked", _MOST_WAITING)),
        "most": _MOST_WAITING,
    }


def _compared(visit: Visit, row: Figures, goal: str) -> dict[str, Any]:
    """The last thirty days against the thirty before: figures, charts, and the measure of the goal."""
    fmt = Formats(visit.locale, visit.shop.currency, visit.zone)
    series: dict[str, list[int]] = row.values["series"]
    sums = {name: (sum(days[queries.DAYS :]), sum(days[: queries.DAYS])) for name, days in series.items()}
    labels = [fmt.day(date.fromisoformat(day), "short") for day in row.values["days"][queries.DAYS :]]
    charts = [
        (words, list(zip(labels, series[name][queries.DAYS :], strict=True)), series[name][: queries.DAYS], shown)
        for words, name, shown in (
            (_("Sales a day"), "sales", fmt.money),
            (_("Points given a day"), "given", fmt.number),
        )
    ]
    listed = (
        (_("Sales"), "sales", fmt.money),
        (_("Orders"), "orders", fmt.number),
        (_("New members"), "members", fmt.number),
        (_("Points given"), "given", fmt.number),
        (_("Points redeemed"), "redeemed", fmt.number),
        (_("Codes used"), "codes", fmt.number),
    )
    return {
        "figures": [(words, shown(sums[name][0]), change(fmt, *sums[name])) for words, name, shown in listed],
        "charts": charts,
        "now": [
            (_("Members"), fmt.number(row.values["now"]["members"])),
            (_("Points outstanding"), fmt.number(row.values["now"]["points"])),
        ],
        "measure": measure(fmt, goal, sums) if goal else None,
        "quiet": not any(sums["orders"]),
    }


def change(fmt: Formats, now: int, before: int) -> str:
    """How much more or less than before, in words."""
    if not before:
        return _("nothing in the 30 days before")
    if now == before:
        return _("as in the 30 days before")
    share = fmt.percent(abs(now - before) / abs(before))
    return (
        _("%(share)s more than before", share=share) if now > before else _("%(share)s less than before", share=share)
    )


def measure(fmt: Formats, goal: str, sums: dict[str, tuple[int, int]]) -> tuple[str, str, str]:
    """The figure that tells whether the goal comes nearer: its name, now, and before."""

    def share(of: str, at: int) -> str:
        return fmt.percent(sums[of][at] / sums["orders"][at]) if sums["orders"][at] else "–"

    def basket(at: int) -> str:
        return fmt.money(sums["sales"][at] // sums["orders"][at]) if sums["orders"][at] else "–"

    if goal == "basket":
        return _("Average order"), basket(0), basket(1)
    if goal == "members":
        return _("New members"), fmt.number(sums["members"][0]), fmt.number(sums["members"][1])
    return _("Orders by returning customers"), share("returning", 0), share("returning", 1)
