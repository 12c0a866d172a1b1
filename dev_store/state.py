"""What the development store knows: documents by shop, kind and id, kept in one SQLite file.

Every other module of dev_store reads and writes through `State`. Documents are copies: a change counts only once it is
`put` again, and whatever happens inside `transaction()` is kept whole or not at all, so that an order and the webhooks
announcing it can never part. Keys that begin with `_` are private to the store and never leave it (`public`).
"""

import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import orjson

Document = dict[str, Any]
Key = int | str

# Shopify's own ids passed 10^12 long ago: nothing that reads ours may think in 32 bits.
FIRST_ID = 5_000_000_000_000

_TABLES = """
create table if not exists documents (shop text, kind text, id, body blob, primary key (shop, kind, id));
create table if not exists entries (
    shop text, kind text, field text, value, id, primary key (shop, kind, field, value, id)) without rowid;
create index if not exists entries_by_document on entries (shop, kind, id);
create table if not exists counters (kind text primary key, value integer);
"""

# kind -> field -> the values under which a document is found; None is never indexed.
INDEXES: dict[str, dict[str, Callable[[Document], Iterable[Key | None]]]] = {
    "customer": {
        "email": lambda doc: [_lower(doc.get("email"))],
        "phone": lambda doc: [doc.get("phone")],
    },
    "order": {
        "customer_id": lambda doc: [(doc.get("customer") or {}).get("id")],
        "name": lambda doc: [doc.get("name")],
        "email": lambda doc: [_lower(doc.get("email"))],
    },
    "refund": {"order_id": lambda doc: [doc.get("order_id")]},
    "discount": {"code": lambda doc: [_lower(code["code"]) for code in doc.get("codes", [])]},
    "metafield": {"owner": lambda doc: [doc.get("owner")]},
    "product": {"handle": lambda doc: [doc.get("handle")]},
    "collection": {"product": lambda doc: doc.get("_products", [])},
    "grant": {"code": lambda doc: [doc.get("code")]},
    "token": {
        "access_token": lambda doc: [doc.get("access_token")],
        "refresh_token": lambda doc: [doc.get("refresh_token")],
    },
}


def _lower(text: str | None) -> str | None:
    return text.strip().lower() if text else None


def _pack(document: Document) -> bytes:
    """An order of forty lines is mostly repeated field names: packed it takes a tenth of the room."""
    return zlib.compress(orjson.dumps(document), 1)


def _unpack(body: bytes) -> Document:
    return cast(Document, orjson.loads(zlib.decompress(body)))


def public(value: Any) -> Any:
    """The document as an outsider may see it: keys that begin with `_` are left out at every depth."""
    if isinstance(value, dict):
        return {key: public(item) for key, item in value.items() if not key.startswith("_")}
    if isinstance(value, list):
        return [public(item) for item in value]
    return value


class State:
    """Documents of all shops; safe to use from any thread, since one lock guards one connection."""

    def __init__(self, path: Path | None) -> None:
        """Opens (or creates) the file; None keeps everything in memory, for tests."""
        self._lock = threading.RLock()
        self._depth = 0
        self._committed: list[Callable[[], None]] = []
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        # A killed process loses nothing this way; only a power cut may, which a simulated shop can stand.
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = off")
        self.script(_TABLES)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Holds the lock; keeps all changes at the end, none if the block raises. An inner one can fail on its own."""
        with self._lock:
            self._depth += 1
            pending = len(self._committed)
            self._connection.execute("begin" if self._depth == 1 else f"savepoint inner{self._depth}")
            try:
                yield
            except BaseException:
                del self._committed[pending:]
                self._connection.execute("rollback" if self._depth == 1 else f"rollback to inner{self._depth}")
                self._depth -= 1
                raise
            self._connection.execute("commit" if self._depth == 1 else f"release inner{self._depth}")
            self._depth -= 1
            callbacks, self._committed = ([], self._committed) if self._depth else (self._committed, [])
            for callback in callbacks:
                callback()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Calls back once the open transaction is kept; never if it is rolled back. Holds the lock, so be brief."""
        self._committed.append(callback)

    @contextmanager
    def _joined(self) -> Iterator[None]:
        """A write that is part of the open transaction, or a transaction of its own."""
        with self._lock:
            if self._depth:
                yield
                return
            with self.transaction():
                yield

    def script(self, statements: str) -> None:
        """Makes tables of a neighbour (the delivery queue) in the same file, to share its transactions."""
        with self._lock:
            self._connection.executescript(statements)

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def change(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Runs one statement for each row of values."""
        with self._joined():
            self._connection.executemany(statement, rows)

    def insert(self, statement: str, values: tuple[Any, ...]) -> int:
        """Inserts one row and returns its rowid."""
        with self._joined():
            return int(self._connection.execute(statement, values).lastrowid or 0)

    def get(self, shop: str, kind: str, key: Key) -> Document | None:
        found = self.rows("select body from documents where shop = ? and kind = ? and id = ?", (shop, kind, key))
        return _unpack(found[0][0]) if found else None

    def put(self, shop: str, kind: str, key: Key, document: Document) -> None:
        with self._joined():
            self._connection.execute(
                "insert into documents (shop, kind, id, body) values (?, ?, ?, ?)"
                " on conflict (shop, kind, id) do update set body = excluded.body",
                (shop, kind, key, _pack(document)),
            )
            self._index(shop, kind, key, document)

    def delete(self, shop: str, kind: str, key: Key) -> None:
        """Removes a document; one that is not there is no error."""
        with self._joined():
            self._connection.execute("delete from documents where shop = ? and kind = ? and id = ?", (shop, kind, key))
            self._connection.execute("delete from entries where shop = ? and kind = ? and id = ?", (shop, kind, key))

    def clear(self, shop: str, kind: str) -> None:
        """Removes every document of a kind."""
        with self._joined():
            for table in ("documents", "entries"):
                self._connection.execute(f"delete from {table} where shop = ? and kind = ?", (shop, kind))  # noqa: S608 (constant text)

    def all(self, shop: str, kind: str) -> Iterator[Document]:
        """Every document of a kind in id order; the lock is held for a page at a time only."""
        after: Key | None = None
        while rows := self._page(shop, kind, after, 200):
            for _, body in rows:
                yield _unpack(body)
            after = rows[-1][0]

    def page(self, shop: str, kind: str, after: Key | None, limit: int) -> list[Document]:
        """At most `limit` documents whose id comes after the given one (None: from the start), in id order."""
        return [_unpack(body) for _, body in self._page(shop, kind, after, limit)]

    def count(self, shop: str, kind: str) -> int:
        rows = self.rows("select count(*) from documents where shop = ? and kind = ?", (shop, kind))
        return int(rows[0][0])

    def find(self, shop: str, kind: str, field: str, value: Key) -> list[Document]:
        """Documents a declared index (`INDEXES`) lists under the value, in id order; an undeclared one is a KeyError.

        E-mail addresses and discount codes are looked up in lower case.
        """
        INDEXES[kind][field]
        found = self.rows(
            "select body from entries join documents using (shop, kind, id)"
            " where shop = ? and kind = ? and field = ? and value = ? order by id",
            (shop, kind, field, value),
        )
        return [_unpack(body) for (body,) in found]

    def shop_document(self, shop: str) -> Document | None:
        """The shop's own document (kind `shop`, kept under its numeric id); None when there is no such shop."""
        return next(iter(self.page(shop, "shop", None, 1)), None)

    def shops(self) -> list[str]:
        """Domains of all shops, in alphabetical order."""
        return [row[0] for row in self.rows("select shop from documents where kind = 'shop' order by shop")]

    def next_id(self, shop: str, kind: str) -> int:
        """A new id; as at Shopify the ids of a kind are unique over all shops."""
        row = self.rows(
            "insert into counters (kind, value) values (?, ?)"
            " on conflict (kind) do update set value = value + 1 returning value",
            (kind, FIRST_ID),
        )
        return int(row[0][0])

    def _page(self, shop: str, kind: str, after: Key | None, limit: int) -> list[Any]:
        condition, values = ("and id > ?", (after,)) if after is not None else ("", ())
        return self.rows(
            f"select id, body from documents where shop = ? and kind = ? {condition} order by id limit ?",  # noqa: S608 (constant text)
            (shop, kind, *values, limit),
        )

    def _index(self, shop: str, kind: str, key: Key, document: Document) -> None:
        wanted = {
            (field, value)
            for field, values in INDEXES.get(kind, {}).items()
            for value in values(document)
            if value is not None
        }
        held = set(
            self.rows("select field, value from entries where shop = ? and kind = ? and id = ?", (shop, kind, key))
        )
        if gone := held - wanted:
            self.change(
                "delete from entries where shop = ? and kind = ? and id = ? and field = ? and value = ?",
                [(shop, kind, key, *entry) for entry in gone],
            )
        if new := wanted - held:
            self.change(
                "insert into entries (shop, kind, id, field, value) values (?, ?, ?, ?, ?)",
                [(shop, kind, key, *entry) for entry in new],
            )
