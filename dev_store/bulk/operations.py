"""The life of a bulk operation: CREATED, RUNNING, then COMPLETED with a file, FAILED, or CANCELED when that was asked.

Resolvers in `graphql.bulk_operations` start and cancel them, a thread of its own does the work, and the end is told by
`bulk_operations/finish`. Five queries of a shop may run at a time (2026-01 and later). Troubles come from `faults`.
"""

import secrets
import sqlite3
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import request
from graphql import DocumentNode

from dev_store.bulk import output
from dev_store.bulk.faults import Kind, of_store
from dev_store.graphql.context import Context
from dev_store.graphql.gids import gid
from dev_store.state import Document
from dev_store.store import DevStore

AT_ONCE = 5
KIND = "bulk_operation"
_OVER = ("COMPLETED", "FAILED", "CANCELED", "EXPIRED")


def running(store: DevStore, shop: str) -> list[Document]:
    """Operations of the shop that have not ended."""
    return [one for one in store.state.all(shop, KIND) if one["status"] not in _OVER]


def start(context: Context, query: str, document: DocumentNode) -> Document:
    """A new operation, whose work begins when the transaction in hand is kept."""
    number = context.state.next_id(context.shop, KIND)
    operation: Document = {
        "id": number,
        "status": "CREATED",
        "type": "QUERY",
        "query": query,
        "errorCode": None,
        "createdAt": _whole(context),
        "completedAt": None,
        "objectCount": 0,
        "rootObjectCount": 0,
        "fileSize": None,
        "url": None,
        "partialDataUrl": None,
        "_name": secrets.token_urlsafe(24),
        "_origin": request.host_url.rstrip("/"),
    }
    context.state.put(context.shop, KIND, number, operation)
    background = replace(context, memo={})
    work = threading.Thread(target=_run, args=(background, number, document), daemon=True, name=f"bulk-{number}")
    context.state.after_commit(work.start)
    return operation


def cancel(context: Context, operation: Document) -> Document:
    """Asked to stop; one that has ended stays as it is."""
    if operation["status"] not in _OVER:
        operation["status"] = "CANCELING"
        context.state.put(context.shop, KIND, operation["id"], operation)
    return operation


def file_of(store: DevStore, name: str) -> Path:
    """Where the lines of an operation are, by the unguessable name in its address."""
    folder = store.config.home / "bulk" if store.config.home else Path(tempfile.gettempdir()) / "perennial-dev-store"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.jsonl"


def _run(context: Context, number: int, document: DocumentNode) -> None:
    try:
        _work(context, number, document)
    except sqlite3.ProgrammingError:
        return  # the store was closed meanwhile


def _work(context: Context, number: int, document: DocumentNode) -> None:
    context.memo["shop"] = context.shop_document
    operation = _change(context, number, {"status": "RUNNING"})
    file, fault = file_of(context.store, operation["_name"]), of_store(context.store).take(context.shop, *_OF_RUN)
    try:
        for count in output.write(context, document, file):
            context.memo.clear()
            counts = {"objectCount": count.objects, "rootObjectCount": count.roots}
            if _change(context, number, counts)["status"] == "CANCELING":
                _end(context, number, {"status": "CANCELED"})
                return
    except output.Denied:
        _end(context, number, {"status": "FAILED", "errorCode": "ACCESS_DENIED"})
        return
    except RuntimeError:
        _end(context, number, {"status": "FAILED", "errorCode": "INTERNAL_SERVER_ERROR"})
        return
    address = f"{operation['_origin']}/_bulk/{operation['_name']}.jsonl" if count.objects else None
    if fault is Kind.FAILED:
        half = file.read_bytes()[: file.stat().st_size // 2].rpartition(b"\n")
        file.write_bytes(half[0] + half[1])
        _end(context, number, {"status": "FAILED", "errorCode": "TIMEOUT", "partialDataUrl": address})
    elif fault is Kind.CANCELED:
        _end(context, number, {"status": "CANCELED"})
    else:
        size = file.stat().st_size if address else None
        _end(context, number, {"status": "COMPLETED", "url": address, "fileSize": size}, silent=fault is Kind.SILENT)


_OF_RUN = (Kind.FAILED, Kind.CANCELED, Kind.SILENT)


def _change(context: Context, number: int, news: Mapping[str, Any]) -> Document:
    with context.state.transaction():
        operation = context.state.get(context.shop, KIND, number)
        assert operation is not None, "operations are never removed"
        kept = operation["status"] == "CANCELING" and "status" in news and news["status"] == "RUNNING"
        operation |= {} if kept else dict(news)
        context.state.put(context.shop, KIND, number, operation)
    return operation


def _end(context: Context, number: int, news: Mapping[str, Any], *, silent: bool = False) -> None:
    """Kept together with the webhook that tells of it."""
    with context.state.transaction():
        at = context.store.clock.now()
        operation = _change(context, number, {**news, "completedAt": f"{at:%Y-%m-%dT%H:%M:%SZ}"})
        body = {
            "admin_graphql_api_id": gid("BulkOperation", number),
            "completed_at": operation["completedAt"],
            "created_at": operation["createdAt"],
            "error_code": operation["errorCode"].lower() if operation["errorCode"] else None,
            "status": operation["status"].lower(),
            "type": operation["type"].lower(),
        }
        if not silent:
            context.store.delivery.outbox.emit(context.shop, at, [("bulk_operations/finish", body)])


def _whole(context: Context) -> str:
    return f"{context.at:%Y-%m-%dT%H:%M:%SZ}"
