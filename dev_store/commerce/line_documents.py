"""Lines as Shopify writes them: of goods, of postage, of tax. Used when an order is placed or edited."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dev_store.commerce.verbs import gid
from dev_store.discounts import CartLine
from dev_store.money import Tender, to_minor


@dataclass(frozen=True)
class OrderLine:
    """What a buyer puts into the cart; `price` is a decimal string in shop currency, for one piece."""

    title: str
    quantity: int
    price: str
    sku: str = ""
    product_id: int | None = None
    variant_id: int | None = None
    taxable: bool = True
    vendor: str | None = None
    gift_card: bool = False

    def in_cart(self, currency: str) -> CartLine:
        return CartLine(to_minor(self.price, currency), self.quantity, self.product_id, self.variant_id)


def line_document(
    key: int, line: OrderLine, tender: Tender, *, taken_off: Iterable[tuple[int, int]], tax: int, rate: Decimal
) -> dict[str, Any]:
    """A `line_items` entry. `taken_off` are (index of the application, minor units); `tax` is of the whole line."""
    price = to_minor(line.price, tender.shop)
    return {
        "id": key,
        "admin_graphql_api_id": gid("LineItem", key),
        "attributed_staffs": [],
        "current_quantity": line.quantity,
        "fulfillable_quantity": line.quantity,
        "fulfillment_service": "manual",
        "fulfillment_status": None,
        "gift_card": line.gift_card,
        "grams": 0,
        "name": line.title,
        "price": tender.text(price),
        "price_set": tender.set(price),
        "product_exists": line.product_id is not None,
        "product_id": line.product_id,
        "properties": [],
        "quantity": line.quantity,
        "requires_shipping": not line.gift_card,
        "sales_line_item_group_id": None,
        "sku": line.sku,
        "taxable": line.taxable,
        "title": line.title,
        # Discount codes are allocations; total_discount counts only what a merchant took off the line by hand.
        "total_discount": tender.text(0),
        "total_discount_set": tender.set(0),
        "variant_id": line.variant_id,
        "variant_inventory_management": None,
        "variant_title": None,
        "vendor": line.vendor,
        "tax_lines": tax_lines(tax, rate, tender),
        "duties": [],
        "discount_allocations": [_allocation(index, off, tender) for index, off in taken_off if off],
    }


def _allocation(index: int, off: int, tender: Tender) -> dict[str, Any]:
    return {"amount": tender.text(off), "amount_set": tender.set(off), "discount_application_index": index}


def tax_lines(tax: int, rate: Decimal, tender: Tender) -> list[dict[str, Any]]:
    """Empty where nothing is taxed."""
    if not tax:
        return []
    line = {"channel_liable": False, "price": tender.text(tax), "price_set": tender.set(tax)}
    return [{**line, "rate": float(rate), "title": "Tax"}]


def shipping_line(key: int, price: int, tender: Tender) -> dict[str, Any]:
    """A `shipping_lines` entry; `price` in minor units."""
    return {
        "id": key,
        "carrier_identifier": None,
        "code": "Standard",
        "current_discounted_price_set": tender.set(price),
        "discounted_price": tender.text(price),
        "discounted_price_set": tender.set(price),
        "is_removed": False,
        "phone": None,
        "price": tender.text(price),
        "price_set": tender.set(price),
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": "Standard",
        "tax_lines": [],
        "discount_allocations": [],
    }
