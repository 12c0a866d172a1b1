"""What every account should hold, computed from the shop's own documents: the judge of `make demo ONCE=1`.

Knows the default program of a new installation in its own words and nothing of the application: one point for each
whole unit of the shop's currency of what an order's goods cost after discounts, refunds and edits, once the order was
paid. Test orders, cancelled and deleted ones earn nothing. Money refunded without a line lowers an order's goods, at
most to nothing. An order belongs to its customer; without one to the customer who has confirmed the order's e-mail
address, else to that address. Of the points that paid for a reward, the share comes back that was given back of the
order on which it was used; all of them when that order was cancelled or is gone. Called by the control plane
(`GET /_dev/shops/<shop>/figures`) and by tests.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Protocol

REWARD_POINTS = 100
ADVOCATE_POINTS, FRIEND_POINTS = 50, 25  # where the order tells who brought the buyer
PAID_ONCE = frozenset({"paid", "partially_paid", "partially_refunded", "refunded"})

Document = Mapping[str, Any]


class Documents(Protocol):
    """The part of `dev_store.state.State` that is read here."""

    def all(self, shop: str, kind: str) -> Iterable[dict[str, Any]]:
        """Every document of a kind."""


@dataclass
class Account:
    """An owner of points: a customer id, or an e-mail address where there is no customer."""

    orders: int = 0
    earned: int = 0
    codes: int = 0
    codes_used: int = 0
    returned: int = 0
    brought: int = 0

    @property
    def spent(self) -> int:
        return self.codes * REWARD_POINTS - self.returned

    @property
    def balance(self) -> int:
        return self.earned + self.brought - self.spent


@dataclass
class _Owners:
    """Whose an order is."""

    confirmed: dict[str, str] = field(default_factory=dict)

    def learn(self, customer: Document) -> None:
        if customer["email"] and customer["verified_email"]:
            self.confirmed[normalised(customer["email"])] = str(customer["id"])

    def of(self, order: Document) -> str | None:
        if order["customer"]:
            return str(order["customer"]["id"])
        if not order["email"]:
            return None
        email = normalised(order["email"])
        return self.confirmed.get(email, email)


def expected(state: Documents, shop: str) -> dict[str, Any]:
    """Points and codes of a shop (full myshopify domain); by account: a customer id (as text) or an e-mail address."""
    owners, accounts = _Owners(), defaultdict[str, Account](Account)
    used_on: dict[str, Document] = {}
    for customer in state.all(shop, "customer"):
        owners.learn(customer)
    for order in state.all(shop, "order"):
        if owner := owners.of(order):
            accounts[owner].orders += 1
            accounts[owner].earned += points(order)
            _count_friend(order, owner, accounts)
        used_on |= {entry["code"].lower(): order for entry in order["discount_codes"]}
    for discount in state.all(shop, "discount"):
        _count_code(discount, accounts, used_on)
    return {**_totals(accounts), "accounts": _rows(accounts)}


def points(order: Document) -> int:
    """What one order is worth now, in points."""
    if order["test"] or order["cancelled_at"] or order["financial_status"] not in PAID_ONCE:
        return 0
    return int(_goods(order).to_integral_value(ROUND_FLOOR))


def _goods(order: Document) -> Decimal:
    """What is left of an order's goods, in money."""
    return max(Decimal(order["current_subtotal_price"]) - _without_a_line(order), Decimal(0))


def _given_back(order: Document | None) -> int:
    """Points of a reward that return because of what became of the order it was used on."""
    if order is None or order["cancelled_at"]:
        return REWARD_POINTS
    whole, rest = Decimal(order["subtotal_price"]), _goods(order)
    if not whole:
        # The reward had paid for everything: the share is one of list prices.
        lines = order["line_items"]
        whole = _sum(str(Decimal(line["price"]) * line["quantity"]) for line in lines)
        rest = _sum(str(Decimal(line["price"]) * line["current_quantity"]) for line in lines)
    share = max(whole - rest, Decimal(0)) / whole if whole else Decimal(0)
    return int((REWARD_POINTS * share).to_integral_value(ROUND_FLOOR))


def normalised(email: str) -> str:
    """The mailbox an address means, however it was typed."""
    return email.strip().lower()


def _without_a_line(order: Document) -> Decimal:
    """Money that went back beyond the goods and the postage that came back."""
    paid_out = returned = Decimal(0)
    for refund in order["refunds"]:
        paid_out += _sum(entry["amount"] for entry in refund["transactions"] if _went_through(entry))
        returned += _sum(entry["subtotal_set"]["shop_money"]["amount"] for entry in refund["refund_line_items"])
        if not order["taxes_included"]:
            returned += _sum(entry["total_tax_set"]["shop_money"]["amount"] for entry in refund["refund_line_items"])
        postage = refund["refund_shipping_lines"]
        returned += _sum(entry["subtotal_amount_set"]["shop_money"]["amount"] for entry in postage)
    return max(paid_out - returned, Decimal(0))


def _went_through(transaction: Document) -> bool:
    return bool(transaction["kind"] == "refund" and transaction["status"] == "success")


def _sum(amounts: Iterable[str]) -> Decimal:
    return sum((Decimal(amount) for amount in amounts), Decimal(0))


def _count_friend(order: Document, friend: str, accounts: dict[str, Account]) -> None:
    """Points for whoever brought the buyer, and for the buyer; of an order that earns nothing there are none."""
    noted = {entry["name"]: entry["value"] for entry in order.get("note_attributes", ())}
    if (advocate := noted.get("_brought_by")) and points(order):
        accounts[advocate].brought += ADVOCATE_POINTS
        accounts[friend].brought += FRIEND_POINTS


def _count_code(discount: Document, accounts: dict[str, Account], used_on: Mapping[str, Document]) -> None:
    """A reward is a code for one customer; every one that exists was paid for with points."""
    named = discount["context"].get("customers") or []
    if len(named) != 1:
        return
    account = accounts[str(named[0]).rsplit("/", 1)[-1]]
    account.codes += len(discount["codes"])
    used = [code["code"].lower() for code in discount["codes"] if code["usage_count"] > 0]
    account.codes_used += len(used)
    account.returned += sum(_given_back(used_on.get(code)) for code in used)


def _totals(accounts: Mapping[str, Account]) -> dict[str, int]:
    held = accounts.values()
    earned = sum(account.earned for account in held)
    spent = sum(account.spent for account in held)
    brought = sum(account.brought for account in held)
    return {
        "points_earned": earned,
        "points_for_friends": brought,
        "points_spent": spent,
        "points_outstanding": earned + brought - spent,
        "codes_issued": sum(account.codes for account in held),
        "codes_used": sum(account.codes_used for account in held),
    }


def _rows(accounts: Mapping[str, Account]) -> dict[str, dict[str, int]]:
    return {
        owner: {"orders": held.orders, "earned": held.earned, "codes": held.codes, "balance": held.balance}
        for owner, held in sorted(accounts.items())
    }
