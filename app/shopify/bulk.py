"""Bulk operations: a query over a whole shop, answered some time later as a file of JSON lines (shopify-platform 4.1).

`app.intake` uses it. The inner queries lie in `operations/bulk`; they take no variables, so a filter is written into
them. What must stay true: an operation carries a mark of ours in its first line, so that one whose start was not noted
is found again instead of started twice; a download never carries a token.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from urllib.parse import urlsplit

import orjson
import requests

from app.config import Settings
from app.shopify.client import ShopifyClient
from app.shopify.errors import Rejected, ShopifyError, Unavailable, UserErrors
from app.shopify.operations import FOLDER
from app.shopify.origin import is_shopify_itself

_FILTER = '"{filter}"'
_PERSONAL = re.compile(r"^.*# personal$\n", re.MULTILINE)
_BLOCK = 1 << 18
_CONNECT_SECONDS, _READ_SECONDS = 5, 60
# Nothing of these will come to anything any more.
_DEAD = {"CANCELED", "CANCELING", "FAILED", "EXPIRED"}


class Busy(Unavailable):
    """As many operations of this shop run already as may: try again in some minutes."""


class Expired(ShopifyError):
    """The file is not there any more: the operation has to be run anew."""

    kind = "retry"


@dataclass(frozen=True)
class BulkOperation:
    """An operation as Shopify tells of it. `url` is None while it runs, and when it found nothing at all."""

    id: str
    status: str
    created_at: datetime
    error_code: str | None = None
    objects: int = 0
    size: int = 0
    url: str | None = None


@cache
def document(name: str) -> str:
    """The inner query of this name, as its file has it."""
    return (FOLDER / "bulk" / f"{name}.graphql").read_text(encoding="utf-8")


def query(name: str, mark: str, *, searching: str = "", bare: bool = False) -> str:
    """A query to run: marked, filtered by Shopify's search syntax, `bare` without fields of protected data."""
    text = document(name).replace(_FILTER, orjson.dumps(searching).decode())
    return f"# {mark}\n" + (_PERSONAL.sub("", text) if bare else text)


def start(client: ShopifyClient, text: str) -> BulkOperation:
    """Run a query. Raises Busy, and any other ShopifyError; OutcomeUnknown means: look for it with `find`."""
    try:
        payload = client.execute("BulkOperationRunQuery", {"query": text})["bulkOperationRunQuery"]
    except UserErrors as refused:
        if refused.codes & {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"}:
            raise Busy("too many bulk operations are running") from refused
        raise
    found = payload["bulkOperation"]
    return BulkOperation(found["id"], found["status"], datetime.fromisoformat(found["createdAt"]))


def find(client: ShopifyClient, mark: str) -> BulkOperation | None:
    """An operation of this mark that is running or has succeeded; None when there is none among the newest."""
    for node in client.execute("BulkOperations")["bulkOperations"]["nodes"]:
        if node["query"].startswith(f"# {mark}\n") and node["status"] not in _DEAD:
            return BulkOperation(node["id"], node["status"], datetime.fromisoformat(node["createdAt"]))
    return None


def look(client: ShopifyClient, operation_id: str) -> BulkOperation:
    """How far an operation is. Raises Expired for one that Shopify does not know (any more)."""
    found = client.execute("BulkOperation", {"id": operation_id})["bulkOperation"]
    if found is None:
        raise Expired("the bulk operation is not there")
    return BulkOperation(
        id=found["id"],
        status=found["status"],
        created_at=datetime.fromisoformat(found["createdAt"]),
        error_code=found["errorCode"],
        objects=int(found["objectCount"]),
        size=int(found["fileSize"] or 0),
        url=found["url"],
    )


def download(settings: Settings, url: str, offset: int) -> Iterator[bytes]:
    """The bytes of a file from an offset on, some at a time; nothing when it ends there.

    Raises Expired (run the operation anew) and Unavailable (come back, from where you are).
    """
    if urlsplit(url).scheme != "https" and is_shopify_itself(settings):
        raise Rejected([{"message": "the address of a bulk operation's file is not https"}])
    # Offsets are of the bytes themselves, so nothing may be compressed on the way.
    headers = {"Accept-Encoding": "identity", "User-Agent": "Perennial"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        with requests.Session() as session:
            session.trust_env = is_shopify_itself(settings)
            timeout = (_CONNECT_SECONDS, _READ_SECONDS)
            with session.get(url, headers=headers, stream=True, timeout=timeout) as answer:
                if answer.status_code == 416:
                    return
                _refuse(answer.status_code)
                skip = offset if answer.status_code == 200 else 0  # a server that knows no ranges begins at the start
                yield from _after(answer.iter_content(_BLOCK), skip)
    except requests.RequestException as error:
        raise Unavailable("the download of a bulk operation broke off") from error


def _after(blocks: Iterator[bytes], skip: int) -> Iterator[bytes]:
    for block in blocks:
        if skip >= len(block):
            skip -= len(block)
        else:
            yield block[skip:]
            skip = 0


def _refuse(status: int) -> None:
    if status in (403, 404, 410):
        raise Expired("the file of a bulk operation is not there any more")
    if status not in (200, 206):
        raise Unavailable(f"the file of a bulk operation is not given (HTTP {status})")
