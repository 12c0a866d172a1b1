"""One line of a bulk operation's file, read into lines for COPY. Pure; half a million orders pass through here.

Columns are those of the projections, values what `app.orders.payload` would make of the same order, written as COPY
reads them (`_text` escapes what people typed, everything else cannot need it). A line may come long before or long
after its parent, so nothing here looks at another line: what needs both is joined in the database.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from app.customers import tags
from app.customers.contact import phone_number
from app.intake.cells import (
    LONGEST_TEXT,
    NULL,
    Doc,
    address,
    array,
    cells,
    digest,
    digits,
    document,
    lower,
    minor,
    shop_minor,
)  # fmt: skip
from app.payload import BadPayload

CUSTOMERS = (
    "shop_id", "id", "email", "phone", "verified_email", "first_name", "last_name", "country", "province", "city",
    "language", "state", "created_at", "updated_at", "triggered_at", "digest", "email_consent", "email_consent_level",
    "email_consent_at", "sms_consent", "sms_consent_level", "sms_consent_at", "tags", "tags_at", "imported_orders",
    "imported_spent_minor", "imported_at",
)  # fmt: skip
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

_PAID = {"PAID", "PARTIALLY_REFUNDED", "REFUNDED"}
_KINDS = {"PricingPercentageValue": "percentage", "MoneyV2": "fixed_amount"}
_LONGEST_CODE = 255
_NOTHING: Doc = {}


class Chunk:
    """What some lines of a file are to COPY, by the table that they are for."""

    def __init__(self, shop_id: int, told_at: datetime, *, figures: bool = False) -> None:
        """`told_at`: when the operation began, which is how new all that it tells is at least.

        `figures`: note what Shopify counts of each customer, too (at an import).
        """
        self.shop_id, self.told_at, self._figures = shop_id, told_at.isoformat(), figures
        self._instant = told_at
        self.customers: list[str] = []
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

    def _customer(self, doc: Doc, raw: bytes) -> None:
        cell, verified, place = cells(raw), doc["verifiedEmail"], doc.get("defaultAddress") or _NOTHING
        email, phone = doc.get("defaultEmailAddress") or _NOTHING, doc.get("defaultPhoneNumber") or _NOTHING
        sms, number = phone.get("smsMarketingConsent") or _NOTHING, phone.get("phoneNumber")
        by_email = email.get("marketingState"), email.get("marketingOptInLevel"), email.get("marketingUpdatedAt")
        held = tags.facts(tags.folded(doc["tags"]), self._instant)
        counted = f"{NULL}\t{NULL}\t{NULL}"
        if self._figures:
            spent = doc["amountSpent"]
            spent_minor = minor(spent["amount"], spent["currencyCode"])
            counted = f"{int(doc['numberOfOrders'])}\t{spent_minor}\t{self.told_at}"
        self.customers.append(
            f"{self.shop_id}\t{digits(doc['id'])}\t{cell(address(email.get('emailAddress')))}"
            f"\t{cell(phone_number(number) or number)}\t{verified if isinstance(verified, bool) else NULL}"
            f"\t{cell(doc.get('firstName'))}\t{cell(doc.get('lastName'))}\t{cell(place.get('countryCodeV2'))}"
            f"\t{cell(place.get('provinceCode'))}\t{cell(place.get('city'))}\t{cell(doc['locale'])}"
            f"\t{cell(lower(doc['state']))}\t{cell(doc['createdAt'])}\t{cell(doc['updatedAt'])}\t{self.told_at}"
            f"\t{digest(raw)}\t{_consent(cell, *by_email)}"
            f"\t{_consent(cell, sms.get('state'), sms.get('optInLevel'), sms.get('updatedAt'))}"
            f"\t{document(held) if held else NULL}\t{self.told_at}\t{counted}\n"
        )

    def _order(self, doc: Doc, raw: bytes) -> None:
        order_id, currency, refunds, cell = digits(doc["id"]), doc["currencyCode"], doc["refunds"], cells(raw)
        of, total, presentment = shop_minor, doc["totalPriceSet"], doc["presentmentCurrencyCode"]
        customer, purchaser, status = doc["customer"], doc["purchasingEntity"], doc["displayFinancialStatus"]
        company = purchaser.get("company") if purchaser else None
        listed = ",".join(map(str, sorted(int(digits(refund["id"])) for refund in refunds))) if refunds else ""
        self.orders.append(
            f"{self.shop_id}\t{order_id}\t{digits(customer['id']) if customer else NULL}"
            f"\t{cell(address(doc.get('email')))}\t{cell(doc.get('phone'))}\t{cell(doc['name'])}"
            f"\t{cell(doc['sourceName'])}\t{digits(company['id']) if company else NULL}\t{cell(currency)}"
            f"\t{of(doc['subtotalPriceSet'], currency)}\t{of(doc['currentSubtotalPriceSet'], currency)}"
            f"\t{of(total, currency)}\t{of(doc['currentTotalPriceSet'], currency)}\t{of(doc['totalTaxSet'], currency)}"
            f"\t{of(doc['currentShippingPriceSet'] or doc['totalShippingPriceSet'], currency)}"
            f"\t{of(doc['totalTipReceivedSet'], currency)}\t{of(doc['totalDiscountsSet'], currency)}"
            f"\t{cell(presentment)}\t{minor(total['presentmentMoney']['amount'], presentment)}"
            f"\t{doc['taxesIncluded']}\t{_gateways(tuple(doc['paymentGatewayNames']))}\t{doc['test']}"
            f"\t{cell(lower(status))}\t{status in _PAID}\t{cell(doc['createdAt'])}"
            f"\t{cell(doc['processedAt'])}\t{cell(doc['cancelledAt'])}\t{cell(doc['updatedAt'])}\t{self.told_at}"
            f"\t{digest(raw)}\t{{{listed}}}\n"
        )
        if doc["discountCodes"]:
            for code in {_code(code) for code in doc["discountCodes"]} - {None}:
                self.codes.append(f"{self.shop_id}\t{order_id}\t{cell(code)}\t0\t{NULL}\n")
        for refund in refunds:
            at = f"{cell(refund['createdAt'])}\t{cell(refund['processedAt'])}"
            self.refunds.append(f"{self.shop_id}\t{digits(refund['id'])}\t{order_id}\t0\t0\t0\t{at}\n")

    def _line(self, doc: Doc, raw: bytes) -> None:
        price, cell = doc["originalUnitPriceSet"]["shopMoney"], cells(raw)
        currency, order_id, discount, tax = price["currencyCode"], digits(doc["__parentId"]), 0, 0
        for allocation in doc["discountAllocations"]:
            amount = shop_minor(allocation["allocatedAmountSet"], currency)
            discount += amount
            application = allocation["discountApplication"]
            if code := _code(application.get("code")):
                kind = cell(_KINDS.get(application["value"]["__typename"]))
                self.codes.append(f"{self.shop_id}\t{order_id}\t{cell(code)}\t{amount}\t{kind}\n")
        for one in doc["taxLines"]:
            tax += shop_minor(one["priceSet"], currency)
        product, variant = doc["product"], doc["variant"]
        self.lines.append(
            f"{self.shop_id}\t{order_id}\t{digits(doc['id'])}\t{digits(product['id']) if product else NULL}"
            f"\t{digits(variant['id']) if variant else NULL}\t{cell(doc['sku'])}\t{cell(doc['title'])}"
            f"\t{doc['quantity']:d}\t{doc['currentQuantity']:d}\t{minor(price['amount'], currency)}\t{discount}\t{tax}"
            f"\t{doc['isGiftCard']}\n"
        )

    def _product(self, doc: Doc, raw: bytes) -> None:
        self.products.append(f"{digits(doc['id'])}\t{cells(raw)(doc['updatedAt'])}\t{array(doc['tags'])}\n")

    def _collection(self, doc: Doc, _raw: bytes) -> None:
        self.memberships.append(f"{digits(doc['__parentId'])}\t{digits(doc['id'])}\n")


_READERS: dict[str, Callable[[Chunk, Doc, bytes], None]] = {
    "Customer": Chunk._customer,
    "Order": Chunk._order,
    "LineItem": Chunk._line,
    "Product": Chunk._product,
    "Collection": Chunk._collection,
}


@lru_cache(maxsize=1 << 10)
def _gateways(names: tuple[str, ...]) -> str:
    """A shop has few of them."""
    return array(sorted({name[:_LONGEST_CODE] for name in names}))


def _consent(cell: Callable[[str | None], str], state: str | None, level: str | None, at: str | None) -> str:
    """What was ever said about marketing: a state without an instant is Shopify's default, nobody's word."""
    if not state or not at:
        return f"{NULL}\t{NULL}\t{NULL}"
    return f"{cell(lower(state))}\t{cell(lower(level))}\t{cell(at)}"


def _code(text: str | None) -> str | None:
    value = text.strip()[:LONGEST_TEXT] if text else ""
    return value.upper()[:_LONGEST_CODE] or None
