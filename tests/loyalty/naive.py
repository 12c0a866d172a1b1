"""What an account should hold, a second time and in another way: from the merchants' JSON, in decimals, order by order.

Shares no code with `app.loyalty` and knows only what its rules say in words. Slow and plain on purpose.
"""

from datetime import datetime
from decimal import Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

# All that the rules of `law_rules` divide by goes into it, so that every figure is a decimal that ends.
_WHOLE = 3 * 29
_EXACT = Context(prec=80)
_PLACES = {"JPY": 0, "KWD": 3}


def expected(program: dict[str, Any], facts: list[dict[str, Any]], earlier: int | None) -> dict[str, int]:
    """Points by source. `program`: versions [(from, JSON)], zone, earns_from, ends_at, chosen, history_from."""
    points: dict[str, int] = {}
    given: list[tuple[datetime, int]] = []
    seen: list[dict[str, Any]] = []
    for fact in sorted(facts, key=lambda f: (f["at"], "order" not in f, f.get("order", 0), f.get("action", ""))):
        rules = _in_force(program, fact["at"])
        if "order" in fact:
            seen.append(fact)
            wanted = _order(program, rules, fact, _number(seen, earlier)) if rules else 0
            name = f"order:{fact['order']}"
        else:
            wanted = _action(program, rules, fact, seen) if rules else 0
            name = f"action:{fact['action']}"
        points[name] = _limited(program, rules, fact["at"], wanted, given)
        given.append((fact["at"], points[name]))
    return points


def _in_force(program: dict[str, Any], at: datetime) -> dict[str, Any] | None:
    if program["earns_from"] is not None and at < program["earns_from"]:
        return None
    if program["ends_at"] is not None and not at < program["ends_at"]:
        return None
    found = None
    for since, rules in program["versions"]:
        if since is None or not at < since:
            found = rules
    return found


def _number(seen: list[dict[str, Any]], earlier: int | None) -> int | None:
    orders = [fact for fact in seen if "order" in fact and fact["paid"] and not fact["test"]]
    return None if earlier is None else earlier + len(orders)


def _order(program: dict[str, Any], rules: dict[str, Any], order: dict[str, Any], number: int | None) -> int:
    if not order["paid"] or order["test"] or order["cancelled"] or order["deleted"] or _closed(rules, order):
        return 0
    if order["imported"] and not _history_counts(program, order["at"]):
        return 0
    total = sum((_EXACT.multiply(_rule(rules, rule, order, number), _factor(rules, order["at"]))
                 for rule in rules["earning"]), Decimal(0))  # fmt: skip
    whole, rest = divmod(total, _WHOLE)
    how = rules.get("rounding", "down")
    if (how == "up" and rest > 0) or (how == "nearest" and rest * 2 >= _WHOLE):
        whole += 1
    most = rules.get("caps", {}).get("order")
    return int(whole) if most is None else min(int(whole), int(most))


def _history_counts(program: dict[str, Any], at: datetime) -> bool:
    return bool(program["chosen"]) and (program["history_from"] is None or at >= program["history_from"])


def _closed(rules: dict[str, Any], order: dict[str, Any]) -> bool:
    open_to = {"pos": True, "drafts": True, "b2b": False} | rules.get("channels", {})
    taken = {"gift_card": True, "store_credit": True} | rules.get("paid_with", {})
    return any(not open_to[name] for name in order["channels"]) or any(not taken[name] for name in order["payments"])


def _factor(rules: dict[str, Any], at: datetime) -> Decimal:
    holding = [
        Decimal(part["factor"])
        for part in rules.get("multipliers", [])
        if ("from" not in part or datetime.fromisoformat(part["from"]) <= at)
        and ("until" not in part or at < datetime.fromisoformat(part["until"]))
    ]
    return max(holding) if holding else Decimal(1)


def _rule(rules: dict[str, Any], rule: dict[str, Any], order: dict[str, Any], number: int | None) -> Decimal:
    """Points times `_WHOLE`."""
    chosen = [line for line in order["lines"] if _chosen(rules, rule, line)]
    if rule["kind"] == "per_item":
        return Decimal(rule["points"] * sum(line["pieces"] for line in chosen) * _WHOLE)
    money = _money(rules, rule, order, chosen)
    if rule["kind"] == "per_unit":
        units = _EXACT.divide(money * _WHOLE, Decimal(rule.get("per", "1")))
        if rule.get("count", "whole_units") == "whole_units":
            units = units // _WHOLE * _WHOLE
        return units * int(rule["points"])
    if money <= 0 or money < Decimal(rule.get("minimum", "0")):
        return Decimal(0)
    if rule["kind"] == "nth_order" and not _meant(rule, number):
        return Decimal(0)
    return Decimal(rule["points"] * _WHOLE)


def _meant(rule: dict[str, Any], number: int | None) -> bool:
    return number is not None and (number in rule.get("orders", []) or bool(rule.get("every", 0) and
                                                                        number % rule["every"] == 0))  # fmt: skip


def _chosen(rules: dict[str, Any], rule: dict[str, Any], line: dict[str, Any]) -> bool:
    if line["gift_card"] and not rules.get("gift_cards", False):
        return False
    if _among(rules.get("exclude", {}), line) or _among(rule.get("exclude", {}), line):
        return False
    return "only" not in rule or _among(rule["only"], line)


def _among(goods: dict[str, Any], line: dict[str, Any]) -> bool:
    return (
        line["product"] in goods.get("products", [])
        or any(str(number) in line["collections"] for number in goods.get("collections", []))
        or any(tag.casefold() in line["tags"] for tag in goods.get("tags", []))
    )


def _money(rules: dict[str, Any], rule: dict[str, Any], order: dict[str, Any], chosen: list[dict[str, Any]]) -> Decimal:
    """The amount that a rule is about, in the currency's units."""
    goods = order["goods"]
    if len(chosen) < len(order["lines"]):
        goods = sum(line["amount"] for line in chosen)
        whole = sum(line["amount"] for line in order["lines"])
        if order["loose"] and whole:
            goods = goods * max(whole - order["loose"], 0) // whole
    taxes = sum(line["tax"] for line in chosen)
    if rules.get("tax") == "with" and not order["taxes_included"]:
        goods += taxes
    if rules.get("tax") == "without" and order["taxes_included"]:
        goods -= taxes
    shipping = order["shipping"] if rules.get("shipping") and "only" not in rule else 0
    return Decimal(max(goods, 0) + shipping).scaleb(-_PLACES.get(order["currency"], 2))


def _action(program: dict[str, Any], rules: dict[str, Any], action: dict[str, Any], seen: list[dict[str, Any]]) -> int:
    kind = action["action"].partition(":")[0]
    rule = rules.get("actions", {}).get(kind)
    if rule is None:
        return 0
    zone = ZoneInfo(program["zone"])
    day = action["at"].astimezone(zone).date()
    earlier = [other["at"].astimezone(zone).date() for other in seen if other.get("earned") == kind]
    limits = (
        ("per_account", len(earlier)),
        ("per_year", sum(other.year == day.year for other in earlier)),
        ("per_day", earlier.count(day)),
    )
    if any(name in rule and done >= rule[name] for name, done in limits):
        return 0
    seen.append({"earned": kind, "at": action["at"]})
    return int(rule["points"])


def _limited(
    program: dict[str, Any],
    rules: dict[str, Any] | None,
    at: datetime,
    points: int,
    given: list[tuple[datetime, int]],
) -> int:
    caps = rules.get("caps", {}) if rules else {}
    zone = ZoneInfo(program["zone"])
    today = sum(before for instant, before in given if instant.astimezone(zone).date() == at.astimezone(zone).date())
    if "day" in caps:
        points = min(points, max(caps["day"] - today, 0))
    if "account" in caps:
        points = min(points, max(caps["account"] - sum(before for _, before in given), 0))
    return points
