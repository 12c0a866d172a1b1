"""What happened in a shop, counted from the store's own documents and from nothing the app says.

`GET /_dev/shops/<domain>/figures` answers with these; figures of points come from `dev_store.history.figures`.
"""

from collections import Counter
from typing import Any

from dev_store.history.figures import expected
from dev_store.money import to_minor, to_text
from dev_store.state import Document, State


def figures(state: State, shop: Document) -> dict[str, Any]:
    """Counts and sums of one shop; money as decimal strings in its currency."""
    domain, currency = shop["myshopify_domain"], shop["currency"]
    announced = (state.get(domain, "setting", "announced") or {}).get("topics", {})
    return {
        "shop": domain,
        "currency": currency,
        "customers": state.count(domain, "customer"),
        "products": state.count(domain, "product"),
        **_orders(state, domain, currency),
        "refunds": state.count(domain, "refund"),
        "discounts": state.count(domain, "discount"),
        "offers": _offers(state, domain, currency),
        "webhooks": {"announced": sum(announced.values()), "by_topic": dict(sorted(announced.items()))},
        **expected(state, domain),
    }


def _offers(state: State, domain: str, currency: str) -> dict[str, dict[str, Any]]:
    """Discounts with codes for anybody, by title: codes used on orders that stand, and what these come to now."""
    public = [discount for discount in state.all(domain, "discount") if not discount["context"].get("customers")]
    titles = {entry["code"].lower(): discount["title"] for discount in public for entry in discount["codes"]}
    used: dict[str, set[str]] = {discount["title"]: set() for discount in public}
    revenue: Counter[str] = Counter()
    for order in state.all(domain, "order"):
        entered = {entry["code"].lower() for entry in order["discount_codes"]} & titles.keys()
        if entered and not order["test"] and not order["cancelled_at"]:
            for title in {titles[code] for code in entered}:
                revenue[title] += to_minor(order["current_total_price"], currency)
            for code in entered:
                used[titles[code]].add(code)
    return {
        title: {"codes_used": len(codes), "revenue": to_text(revenue[title], currency)} for title, codes in used.items()
    }


def _orders(state: State, domain: str, currency: str) -> dict[str, Any]:
    states: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    money: Counter[str] = Counter()
    for order in state.all(domain, "order"):
        states[order["financial_status"]] += 1
        seen["all"] += 1
        seen["cancelled"] += bool(order["cancelled_at"])
        seen["test"] += bool(order["test"])
        seen["guest"] += order["customer"] is None
        seen["with_code"] += bool(order["discount_codes"])
        money["received"] += order["_received"]
        money["refunded"] += order["_refunded"]
        money["current_subtotal"] += to_minor(order["current_subtotal_price"], currency)
    orders = {name: seen[name] for name in ("all", "cancelled", "test", "guest", "with_code")}
    sums = {name: to_text(money[name], currency) for name in ("received", "refunded", "current_subtotal")}
    return {"orders": {**orders, "by_financial_status": dict(sorted(states.items()))}, "money": sums}
