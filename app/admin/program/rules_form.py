"""The form of the rules that most shops want, laid over rules that may say much more.

`fields` reads a rule version into the form, `laid_over` writes the form back: what the form does not know stays as it
is (times that count double, goods that are left out, steps for the n-th order), so opening and saving changes nothing.
Rules are checked where they are stored (`app.loyalty.rules.parse`); here only what is typed becomes JSON.
"""

import copy
from collections.abc import Mapping
from typing import Any

ACTIONS = ("sign_up", "newsletter", "review", "social_share", "birthday")
NEVER, AFTER, INACTIVITY = "never", "after", "inactivity"
_FLAGS = ("gift_cards", "shipping")
_CAPS = ("order", "day", "account")
_SIDES = ("advocate", "friend")


def fields(rules: Mapping[str, Any]) -> dict[str, str]:
    """What the form shows of rules; an empty text is "none"."""
    unit, order = _plain(rules, "per_unit") or {}, _plain(rules, "per_order") or {}
    expiry = rules.get("expiry") or {}
    shown = {
        "unit_points": unit.get("points", ""),
        "unit_per": unit.get("per", "1" if unit else ""),
        "order_points": order.get("points", ""),
        "order_minimum": order.get("minimum", ""),
        "waiting_days": rules.get("waiting_days") or "",
        "expiry": expiry.get("kind", NEVER),
        "expiry_months": expiry.get("months", ""),
        "expiry_days": expiry.get("days", ""),
    }
    shown |= {f"referral_{name}": (rules.get("referral") or {}).get(name) or "" for name in _SIDES}
    shown |= {f"cap_{name}": (rules.get("caps") or {}).get(name) or "" for name in _CAPS}
    shown |= {f"action_{name}": (rules.get("actions") or {}).get(name, {}).get("points", "") for name in ACTIONS}
    shown |= {name: "on" if rules.get(name) else "" for name in _FLAGS}
    return {name: str(value) for name, value in shown.items()}


def laid_over(rules: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    """The rules with what the form says; numbers that are none stay text, so that the rules' own check names them."""
    drafted: dict[str, Any] = copy.deepcopy(dict(rules))
    earning = list(drafted.get("earning") or [])
    unit, order = form.get("unit_points", "").strip(), form.get("order_points", "").strip()
    _put(
        earning, "per_unit", {"points": _number(unit), "per": form.get("unit_per", "").strip() or "1"} if unit else None
    )
    minimum = form.get("order_minimum", "").strip()
    fixed = {"points": _number(order)} | ({"minimum": minimum} if minimum else {})
    _put(earning, "per_order", fixed if order else None)
    drafted["earning"] = earning
    _set(drafted, "waiting_days", _number(form.get("waiting_days", "")))
    _set(drafted, "expiry", _expiry(form))
    for name in _FLAGS:
        _set(drafted, name, name in form and form[name] != "")
    _part(drafted, "caps", {name: _number(form.get(f"cap_{name}", "")) for name in _CAPS})
    _lay_actions(drafted, form)
    _lay_referral(drafted, {name: _number(form.get(f"referral_{name}", "")) for name in _SIDES})
    return drafted


def _lay_referral(drafted: dict[str, Any], points: Mapping[str, int | str]) -> None:
    """Without points for either side there is no such rule; else what the form does not know of it stays."""
    told = {name: value for name, value in points.items() if value not in ("", 0)}
    kept = {name: value for name, value in (drafted.get("referral") or {}).items() if name not in _SIDES}
    _set(drafted, "referral", kept | told if told else None)


def _lay_actions(drafted: dict[str, Any], form: Mapping[str, str]) -> None:
    actions = dict(drafted.get("actions") or {})
    for name in ACTIONS:
        points = _number(form.get(f"action_{name}", ""))
        if points in ("", 0):
            actions.pop(name, None)
        else:
            actions[name] = {**actions.get(name, {}), "points": points}
    _set(drafted, "actions", actions)


def _plain(rules: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """The first rule of a kind that is about all goods."""
    return next((rule for rule in rules.get("earning") or [] if _is_plain(rule, kind)), None)


def _is_plain(rule: Any, kind: str) -> bool:
    return isinstance(rule, dict) and rule.get("kind") == kind and not rule.get("only") and not rule.get("exclude")


def _put(earning: list[Any], kind: str, told: dict[str, Any] | None) -> None:
    """Change the plain rule of a kind, add it, or take it out."""
    place = next((number for number, rule in enumerate(earning) if _is_plain(rule, kind)), None)
    if place is None:
        if told:
            earning.append({"kind": kind, **told})
    elif told is None:
        del earning[place]
    else:
        kept = {name: value for name, value in earning[place].items() if name not in {"per", "minimum"}}
        # "1" is what is meant without a word: rules that say nothing new must stay the same JSON.
        if told.get("per") == "1" and "per" not in earning[place]:
            told = {name: value for name, value in told.items() if name != "per"}
        earning[place] = kept | told


def _expiry(form: Mapping[str, str]) -> dict[str, Any] | None:
    kind = form.get("expiry", NEVER)
    if kind == NEVER:
        return None
    months, days = (_number(form.get(f"expiry_{name}", "")) for name in ("months", "days"))
    return {"kind": kind} | ({"months": months} if months != "" else {"days": days})


def _part(drafted: dict[str, Any], name: str, values: Mapping[str, Any]) -> None:
    kept = {key: value for key, value in (drafted.get(name) or {}).items() if key not in values}
    _set(drafted, name, kept | {key: value for key, value in values.items() if value != ""})


def _set(drafted: dict[str, Any], name: str, value: Any) -> None:
    """What says nothing is left out, unless it was there before."""
    if value in ("", None, False, {}) or value == 0:
        drafted.pop(name, None)
    else:
        drafted[name] = value


def _is_some(text: str) -> bool:
    return text not in ("", "0")


def _number(text: str) -> int | str:
    """A whole number, else the text as it was typed."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text
