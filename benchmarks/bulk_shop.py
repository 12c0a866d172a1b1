"""A shop that is only a file: JSON lines as a bulk operation brings them, made once, and a server that hands them out.

`python -m benchmarks.bulk_shop FOLDER PORT` serves it on this machine: bulk operations that are over as soon as they
are asked for, downloads with ranges, and refunds by their ids. `install_import` and `reconcile` start it.
"""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import orjson

_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_ORDER, _LINE, _CUSTOMER, _REFUND = 6_000_000_000_000, 15_000_000_000_000, 7_000_000_000_000, 900_000_000_000
CHANGED_AT = "2026-11-02T10:00:00Z"
# Every so manieth order was refunded.
REFUNDED = 100
_BLOCK = 1 << 20


def customers(count: int) -> Iterator[bytes]:
    """A line a customer."""
    for n in range(count):
        yield (
            b'{"id":"gid://shopify/Customer/%d","state":"ENABLED","locale":"en","verifiedEmail":true,'
            b'"createdAt":"2024-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z","tags":[%s],"numberOfOrders":"3",'
            b'"amountSpent":{"amount":"120.0","currencyCode":"USD"},"firstName":"Ada","lastName":"Number %d",'
            b'"defaultEmailAddress":{"emailAddress":"person-%d@example.com","marketingState":"SUBSCRIBED",'
            b'"marketingOptInLevel":"SINGLE_OPT_IN","marketingUpdatedAt":"2025-01-01T00:00:00Z"},'
            b'"defaultPhoneNumber":null,"defaultAddress":{"city":"Berlin","provinceCode":"BE","countryCodeV2":"DE"}}\n'
            % (_CUSTOMER + n, b'"vip","newsletter"' if n % 5 == 0 else b"", n, n)
        )


def orders(numbers: range, people: int, *, changed: int = 0, without: int = 0) -> Iterator[bytes]:
    """Orders, then all their lines: as far apart as can be.

    Every `without`-th is left out. Of every `changed`-th one this tells what it was before it changed.
    """
    kept = [n for n in numbers if not without or n % without]
    return chain(
        (_order(n, people, old=bool(changed) and n % changed == changed // 2) for n in kept),
        (line for n in kept for line in _lines(n)),
    )


def _order(n: int, people: int, *, old: bool) -> bytes:
    at = f"{_DAY + timedelta(minutes=2 * n):%Y-%m-%dT%H:%M:%SZ}"
    total = b"%d.%02d" % (30 + n % 90, n % 100)
    set_ = b'{"shopMoney":{"amount":"%s"}}' % total
    refunds = b""
    if n % REFUNDED == 7:
        refunds = b'{"id":"gid://shopify/Refund/%d","createdAt":"%s","processedAt":"%s"}' % (
            _REFUND + n, at.encode(), at.encode()
        )  # fmt: skip
    buyer = b'{"id":"gid://shopify/Customer/%d"}' % (_CUSTOMER + n % people) if n % 20 else b"null"
    return (
        b'{"id":"gid://shopify/Order/%d","name":"#%d","test":false,"email":"person-%d@example.com","phone":null,'
        b'"sourceName":"web","createdAt":"%s","processedAt":"%s","updatedAt":"%s","cancelledAt":null,'
        b'"currencyCode":"USD","presentmentCurrencyCode":"USD","taxesIncluded":true,"displayFinancialStatus":"%s",'
        b'"paymentGatewayNames":["shopify_payments"],"customer":%s,"purchasingEntity":null,"subtotalPriceSet":%s,'
        b'"currentSubtotalPriceSet":%s,"totalPriceSet":{"shopMoney":{"amount":"%s"},"presentmentMoney":{"amount":"%s"}},'
        b'"currentTotalPriceSet":%s,"totalTaxSet":{"shopMoney":{"amount":"4.2"}},"totalShippingPriceSet":{"shopMoney":'
        b'{"amount":"5.0"}},"currentShippingPriceSet":{"shopMoney":{"amount":"5.0"}},"totalTipReceivedSet":{"shopMoney":'
        b'{"amount":"0.0"}},"totalDiscountsSet":{"shopMoney":{"amount":"1.0"}},"discountCodes":[%s],"refunds":[%s]}\n'
        % (_ORDER + n, n, n % people, at.encode(), at.encode(), at.encode() if old else CHANGED_AT.encode(),
           b"PENDING" if old else b"PAID", buyer, set_, set_, total, total, set_,
           b'"SPRING"' if n % 10 == 0 else b"", refunds)
    )  # fmt: skip


def _lines(n: int) -> Iterator[bytes]:
    """Two lines and a half on average."""
    for place in range(1 + n % 4):
        allocations = b""
        if n % 10 == 0 and place == 0:
            allocations = (
                b'{"allocatedAmountSet":{"shopMoney":{"amount":"1.0"}},"discountApplication":{"code":"SPRING",'
                b'"value":{"__typename":"MoneyV2"}}}'
            )
        yield (
            b'{"id":"gid://shopify/LineItem/%d","title":"A thing of kind %d","sku":"SKU-%d","quantity":2,'
            b'"currentQuantity":2,"isGiftCard":false,"product":{"id":"gid://shopify/Product/%d"},'
            b'"variant":{"id":"gid://shopify/ProductVariant/%d"},"originalUnitPriceSet":{"shopMoney":'
            b'{"amount":"%d.25","currencyCode":"USD"}},"taxLines":[{"priceSet":{"shopMoney":{"amount":"1.4"}}}],'
            b'"discountAllocations":[%s],"__parentId":"gid://shopify/Order/%d"}\n'
            % (_LINE + 4 * n + place, n % 500, n % 500, 8_000_000_000 + n % 500, 9_000_000_000 + n % 500, 5 + n % 40,
               allocations, _ORDER + n)
        )  # fmt: skip


def write(folder: Path, name: str, lines: Iterator[bytes]) -> int:
    """Make a file of the shop; returns how many lines it has."""
    count = 0
    with (folder / f"{name}.jsonl").open("wb", buffering=_BLOCK) as out:
        for line in lines:
            out.write(line)
            count += 1
    (folder / f"{name}.count").write_text(str(count))
    return count


# Shopify's own limit of calls is not what is measured here.
_STATUS = {"maximumAvailable": 1_000_000, "currentlyAvailable": 1_000_000, "restoreRate": 100_000}
_COST = {"requestedQueryCost": 1, "actualQueryCost": 1, "throttleStatus": _STATUS}


class Handler(BaseHTTPRequestHandler):
    """Shopify, as far as a bulk operation needs it."""

    protocol_version = "HTTP/1.1"
    # Else the second packet of an answer waits 40 ms for word of the first.
    disable_nagle_algorithm = True
    folder: ClassVar[Path]
    # Every query that was run, by the number of its operation.
    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        asked = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = getattr(self, f"_{asked['operationName'].lower()}")(asked["variables"])
        self._send(200, orjson.dumps({"data": answer, "extensions": {"cost": _COST}}))

    def _bulkoperationrunquery(self, variables: dict[str, Any]) -> Any:
        self.asked.append(variables["query"])
        started = {"id": f"gid://shopify/BulkOperation/{len(self.asked)}", "status": "CREATED", "createdAt": _now()}
        return {"bulkOperationRunQuery": {"bulkOperation": started, "userErrors": []}}

    def _bulkoperations(self, _variables: dict[str, Any]) -> Any:
        return {"bulkOperations": {"nodes": []}}

    def _bulkoperation(self, variables: dict[str, Any]) -> Any:
        query = self.asked[int(variables["id"].rpartition("/")[2]) - 1]
        [name] = re.findall(r"^  (\w+)\(query", query, re.MULTILINE)
        file = self.folder / f"{name}.jsonl"
        found = {"id": variables["id"], "status": "COMPLETED", "errorCode": None, "createdAt": _now(), "url": None,
                 "objectCount": "0", "fileSize": None}  # fmt: skip
        if file.exists() and file.stat().st_size:
            count = (self.folder / f"{name}.count").read_text()
            address = f"http://{self.headers['Host']}/{name}.jsonl"
            found |= {"url": address, "objectCount": count, "fileSize": str(file.stat().st_size)}
        return {"bulkOperation": found}

    def _refundsreread(self, variables: dict[str, Any]) -> Any:
        return {"nodes": [_refund(int(one.rpartition("/")[2]) - _REFUND) for one in variables["ids"]]}

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._send(200, b"{}")
            return
        file = self.folder / Path(self.path).name
        size, first = file.stat().st_size, int(re.sub(r"\D", "", self.headers.get("Range", "")) or 0)
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(size - first))
        self.end_headers()
        with file.open("rb") as lines:
            lines.seek(first)
            while block := lines.read(_BLOCK):
                self.wfile.write(block)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _refund(n: int) -> dict[str, Any]:
    at = f"{_DAY + timedelta(minutes=2 * n):%Y-%m-%dT%H:%M:%SZ}"
    money = {"shopMoney": {"amount": "10.5", "currencyCode": "USD"}}
    return {
        "id": f"gid://shopify/Refund/{_REFUND + n}",
        "createdAt": at,
        "processedAt": at,
        "order": {"id": f"gid://shopify/Order/{_ORDER + n}"},
        "totalRefundedSet": money,
        "orderAdjustments": {"nodes": []},
        "refundShippingLines": {"nodes": []},
        "refundLineItems": {
            "pageInfo": {"hasNextPage": False, "endCursor": None},
            "nodes": [{
                "quantity": 1,
                "subtotalSet": money,
                "totalTaxSet": money,
                "lineItem": {"id": f"gid://shopify/LineItem/{_LINE + 4 * n}"},
            }],
        },
    }  # fmt: skip


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def main() -> None:
    """Serve a folder on a port until the end."""
    Handler.folder = Path(sys.argv[1])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()


if __name__ == "__main__":
    main()
