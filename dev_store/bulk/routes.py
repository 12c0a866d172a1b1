"""GET /_bulk/<name>.jsonl: what a finished operation found; and the switch of its troubles under /_dev/bulk.

At Shopify the address is one of its storage, signed and good for seven days; nobody is asked for a token.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from dev_store.bulk.faults import Kind, of_store
from dev_store.bulk.operations import KIND, file_of
from dev_store.graphql.scalars import instant
from dev_store.state import Document
from dev_store.store import current_store

blueprint = Blueprint("bulk", __name__)

EXPIRES_AFTER = timedelta(days=7)
_BLOCK = 1 << 16
_OF_DOWNLOAD = (Kind.EXPIRED, Kind.TRUNCATED, Kind.DROPPED, Kind.SLOW, Kind.BUSY, Kind.NO_RANGES)


@blueprint.route("/_dev/bulk/faults", methods=["GET", "PUT"])
def switch() -> ResponseReturnValue:
    """PUT {"faults": ["failed", "dropped", …]} replaces the waiting troubles."""
    faults = of_store(current_store())
    if request.method == "PUT":
        try:
            faults.replace([Kind(str(name)) for name in (request.get_json() or {}).get("faults", [])])
        except ValueError:
            return jsonify({"error": f"wanted: {', '.join(Kind)}"}), 400
    return jsonify({"faults": faults.waiting()})


@blueprint.get("/_bulk/<name>.jsonl")
def download(name: str) -> ResponseReturnValue:
    """The file, or the part of it from `Range: bytes=<first>-` on; 403 once the address has expired."""
    store = current_store()
    found = [(shop, one) for shop in store.state.shops() for one in store.state.all(shop, KIND) if one["_name"] == name]
    if not found:
        return "", 404
    [(shop, operation)] = found
    fault = of_store(store).take(shop, *_OF_DOWNLOAD)
    if fault is Kind.EXPIRED:
        operation |= {"status": "EXPIRED", "url": None, "_expired": True}
        store.state.put(shop, KIND, operation["id"], operation)
    if _expired(operation):
        return "<Error><Code>ExpiredToken</Code></Error>", 403
    if fault is Kind.BUSY:
        return "", 503, {"Retry-After": "0"}
    return _part(file_of(store, name), fault)


def _expired(operation: Document) -> bool:
    completed = operation["completedAt"]
    over = completed is not None and instant(completed) + EXPIRES_AFTER < current_store().clock.now()
    return bool(over or operation.get("_expired"))


def _part(file: Path, fault: Kind | None) -> ResponseReturnValue:
    size = file.stat().st_size
    first = 0 if fault is Kind.NO_RANGES else _first(request.headers.get("Range", ""))
    if first >= size > 0:
        return "", 416, {"Content-Range": f"bytes */{size}"}
    end = size
    if fault in (Kind.TRUNCATED, Kind.DROPPED):
        end = first + (size - first) * 2 // 3
    # A file that was cut off looks whole to HTTP; a connection that breaks off had promised more.
    length = end - first if fault is Kind.TRUNCATED else size - first
    headers = {"Content-Length": str(length), "Content-Type": "application/jsonl", "Accept-Ranges": "bytes"}
    if first:
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{size}"
    return Response(_blocks(file, first, end, fault), 206 if first else 200, headers)


def _blocks(file: Path, first: int, end: int, fault: Kind | None) -> Iterator[bytes]:
    with file.open("rb") as lines:
        lines.seek(first)
        while first < end and (block := lines.read(min(_BLOCK if fault is not Kind.SLOW else 512, end - first))):
            first += len(block)
            yield block
            if fault is Kind.SLOW:
                time.sleep(0.01)


def _first(header: str) -> int:
    """The first byte that is asked for; only the form `bytes=<first>-` is served."""
    text = header.removeprefix("bytes=").removesuffix("-")
    return int(text) if text.isascii() and text.isdigit() else 0
