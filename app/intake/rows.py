"""One line of a bulk operation's file, read into lines for COPY. Pure; half a million orders pass through here.

Columns are those of the projections, values what `app.orders.payload` would make of the same order, written as COPY
reads them (`_text` escapes what people typed, everything else cannot need it). A line may come long before or long
after its parent, so nothing here looks at another line: what needs both is joined in the database.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from app.money import to_minor
from app.payload import BadPayload

Doc = Mapping[str, Any]

ORDERS = (
    "shop_id", "id", "customer_id", "email", "phone", "name", "source_name", "company_id", "currency", "subtotal_minor",
    "current_subtotal_minor", "total_minor", "current_total_minor", "tax_minor", "shipping_minor", "tip_minor",
    "discounts_minor", "presentment_currency", "presentment_total_minor", "taxes_included", "payment_gateways", "test",
    "financial_status", "paid", "created_at", "processed_at", "cancelled_at", "updated_at", "triggered_at", "digest",
    "listed_refunds",
)  # fmt: skip
LINES = (
    "shop_id", "order_id", "id", "product_id", "variant_id", "sku", "title", "quantity", "current_quantity",
    "price_minor", "discount_minor", "tax_minor", "gift_card",
)  # fmt: skip
CODES = ("shop_id", "order_id", "code", "amount_minor", "kind")
REFUNDS = ("shop_id", "id", "order_id", "lines_minor", "loose_minor", "shipping_minor", "created_at", "processed_at")
REFUND_LINES = ("shop_id", "refund_id", "line_id", "quantity")
PRODUCTS = ("id", "updated_at", "tags")
MEMBERSHIPS = ("product_id", "collection_id")

_NULL = r"\N"
_PAID = {"PAID", "PARTIALLY_REFUNDED", "REFUNDED"}
_KINDS = {"PricingPercentageValue": "percentage", "MoneyV2": "fixed_amount"}
_LONGEST_TEXT, _LONGEST_CODE = 2_000, 255
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


class Chunk:
    """What some lines of a file are to COPY, by the table that they are for."""

    def __init__(self, shop_id: int, told_at: str) -> None:
        """`told_at`: when the operation began, which is how new all that it tells is at least."""
        self.shop_id, self.told_at = shop_id, told_at
        self.orders: list[str] = []
        self.lines: list[str] = []
        self.codes: list[str] = []
        self.refunds: list[str] = []
        self.products: list[str] = []
        self.memberships: list[str] = []

    def add(self, doc: Doc, raw: bytes) -> None:
        """Read a line. Raises BadPayload for what is no object that was asked for."""
        try:
            gid: str = doc["id"]
            _READERS[gid[14 : gid.index("/", 14)]](self, doc, raw)
        except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
            raise BadPayload("wrong-line", "a line of a bulk operation cannot be read") from error

    def tables(self) -> dict[str, tuple[tuple[str, ...], list[str]]]:
        """Columns and lines by table."""
        return {
            "orders": (ORDERS, self.orders),
            "order_lines": (LINES, self.lines),
            "order_codes": (CODES, self.codes),
            "refunds": (REFUNDS, self.refunds),
            "products": (PRODUCTS, self.products),
            "memberships": (MEMBERSHIPS, self.memberships),
        }

    def _order(self, doc: Doc, raw: bytes) -> None:
        order_id, currency, of = number(doc["id"]), doc["currencyCode"], shop_minor
        refunds, total, presentment = doc["refunds"], doc["totalPriceSet"], doc["presentmentCurrencyCode"]
        customer, company = doc["customer"], (doc["purchasingEntity"] or {}).get("company")
        status = doc["displayFinancialStatus"]
        shipping = of(doc["currentShippingPriceSet"] or doc["totalShippingPriceSet"], currency)
        gateways = _array(sorted({name[:_LONGEST_CODE] for name in doc["paymentGatewayNames"]}))
        listed = ",".join(map(str, sorted(number(refund["id"]) for refund in refunds))) if refunds else ""
        digest = hashlib.sha256(raw).hexdigest()[:32]
        self.orders.append(
            f"{self.shop_id}\t{order_id}\t{number(customer['id']) if customer else _NULL}"
            f"\t{_text(_address(doc.get('email')))}\t{_text(_words(doc.get('phone')))}\t{_text(_words(doc['name']))}"
            f"\t{_text(_words(doc['sourceName']))}\t{number(company['id']) if company else _NULL}\t{_text(currency)}"
            f"\t{of(doc['subtotalPriceSet'], currency)}\t{of(doc['currentSubtotalPriceSet'], currency)}"
            f"\t{of(total, currency)}\t{of(doc['currentTotalPriceSet'], currency)}\t{of(doc['totalTaxSet'], currency)}"
            f"\t{shipping}\t{of(doc['totalTipReceivedSet'], currency)}\t{of(doc['totalDiscountsSet'], currency)}"
            f"\t{_text(presentment)}\t{minor(total['presentmentMoney']['amount'], presentment)}"
            f"\t{doc['taxesIncluded']}\t{gateways}\t{doc['test']}\t{_text(status.lower() if status else None)}"
            f"\t{status in _PAID}\t{_text(doc['createdAt'])}\t{_text(doc['processedAt'])}\t{_text(doc['cancelledAt'])}"
            f"\t{_text(doc['updatedAt'])}\t{self.told_at}\t\\\\x{digest}\t{{{listed}}}\n"
        )
        for code in {_code(code) for code in doc["discountCodes"]} - {None}:
            self.codes.append(f"{self.shop_id}\t{order_id}\t{_text(code)}\t0\t{_NULL}\n")
        for refund in refunds:
            at = f"{_text(refund['createdAt'])}\t{_text(refund['processedAt'])}"
            self.refunds.append(f"{self.shop_id}\t{number(refund['id'])}\t{order_id}\t0\t0\t0\t{at}\n")

    def _line(self, doc: Doc, _raw: bytes) -> None:
        price = doc["originalUnitPriceSet"]
        currency, order_id, discount = price["shopMoney"]["currencyCode"], number(doc["__parentId"]), 0
        for allocation in doc["discountAllocations"]:
            amount = shop_minor(allocation["allocatedAmountSet"], currency)
            discount += amount
            application = allocation["discountApplication"]
            if code := _code(application.get("code")):
                kind = _text(_KINDS.get(application["value"]["__typename"]))
                self.codes.append(f"{self.shop_id}\t{order_id}\t{_text(code)}\t{amount}\t{kind}\n")
        tax = 0
        for one in doc["taxLines"]:
            tax += shop_minor(one["priceSet"], currency)
        product, variant = doc["product"], doc["variant"]
        self.lines.append(
            f"{self.shop_id}\t{order_id}\t{number(doc['id'])}\t{number(product['id']) if product else _NULL}"
            f"\t{number(variant['id']) if variant else _NULL}\t{_text(_words(doc['sku']))}"
            f"\t{_text(_words(doc['title']))}\t{doc['quantity']:d}\t{doc['currentQuantity']:d}"
            f"\t{shop_minor(price, currency)}\t{discount}\t{tax}\t{doc['isGiftCard']}\n"
        )

    def _product(self, doc: Doc, _raw: bytes) -> None:
        self.products.append(f"{number(doc['id'])}\t{_text(doc['updatedAt'])}\t{_array(doc['tags'])}\n")

    def _collection(self, doc: Doc, _raw: bytes) -> None:
        self.memberships.append(f"{number(doc['__parentId'])}\t{number(doc['id'])}\n")


_READERS: dict[str, Callable[[Chunk, Doc, bytes], None]] = {
    "Order": Chunk._order,
    "LineItem": Chunk._line,
    "Product": Chunk._product,
    "Collection": Chunk._collection,
}


def number(gid: str) -> int:
    """The number of a global id such as `gid://shopify/Order/5?parameter`."""
    digits = gid[gid.rindex("/") + 1 :]
    return int(digits) if digits.isdigit() else int(digits.partition("?")[0])


def shop_minor(bag: Doc | None, currency: str) -> int:
    """Minor units of a MoneyBag in shop money; none is 0."""
    return minor(bag["shopMoney"]["amount"], currency) if bag is not None else 0


# A shop's prices are few, and told again and again.
minor = lru_cache(maxsize=1 << 16)(to_minor)


def _words(text: str | None) -> str | None:
    """Trimmed and cut, as everywhere (`app.payload.text`); empty counts as absent. NUL is out of the file already."""
    return text.strip()[:_LONGEST_TEXT] or None if text else None


def _address(text: str | None) -> str | None:
    """An e-mail address in lower case; what is none counts as absent."""
    value = _words(text)
    return value.lower() if value and "@" in value and len(value) <= 320 else None


def _code(text: str | None) -> str | None:
    value = _words(text)
    return value.upper()[:_LONGEST_CODE] if value else None


def _text(value: str | None) -> str:
    """Text as COPY reads it."""
    if value is None:
        return _NULL
    return value if value.isalnum() else value.translate(_ESCAPES)


def _array(values: list[str]) -> str:
    """An array of texts as COPY reads it."""
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return ("{" + ",".join(quoted) + "}").translate(_ESCAPES)
