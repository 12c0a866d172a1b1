"""One effect for each Idempotency-Key. `routes.py` runs every write through here; `jobs.py` cleans up.

The answer is kept in the transaction of its effect, so both exist or neither does. Kept are final answers: successes,
and refusals by a rule (422). What may pass by itself (404, 409, 429, 5xx) is not kept: the same key may be tried again.
"""

import hashlib
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy.orm import Session

from app.api import queries
from app.api.operation import Answer
from app.api.queries import KeptAnswer
from app.errors import Conflict, Invalid, Unprocessable

KEY_PATTERN = "^[!-~]{1,255}$"
# Any fixed UUID of our own: ids derived below it cannot meet those of others.
_NAMESPACE = uuid.UUID("5b0d3a62-6f9b-4a57-9d0e-2f7c11c5c1a4")


@dataclass(frozen=True)
class Outcome:
    """Status and JSON text of an answer, and whether it was given before."""

    status: int
    body: str
    repeated: bool = False

    @classmethod
    def of(cls, answer: Answer) -> "Outcome":
        """The first time an answer is given."""
        return cls(answer.status, orjson.dumps(answer.body).decode())


def checked_key(header: str | None) -> str | None:
    """The key of a request, None when it has none; raises Invalid when it is not 1 to 255 visible ASCII characters."""
    if header is not None and not re.fullmatch(KEY_PATTERN, header):
        raise Invalid("Idempotency-Key must be 1 to 255 visible ASCII characters.", kind="invalid-idempotency-key")
    return header


def derived_id(shop_id: int, key: str | None) -> str:
    """The id of what a write creates: the same for the same key, even after its answer was forgotten; else random."""
    return str(uuid.uuid5(_NAMESPACE, f"{shop_id}:{key}") if key else uuid.uuid4())


def request_digest(method: str, path: str, body: Mapping[str, Any]) -> bytes:
    """What makes two requests the same: what they ask, not how their JSON is written."""
    return hashlib.sha256(orjson.dumps([method, path, dict(body)], option=orjson.OPT_SORT_KEYS)).digest()


def once(session: Session, shop_id: int, key: str, digest: bytes, work: Callable[[], Answer]) -> Outcome:
    """Do the work, or give the answer it had.

    Raises Conflict while the first is running, Unprocessable when the key came with another request. Problems of the
    work pass through, and the caller's transaction ends with them; a final one is then kept by `refused`.
    """
    _take_turn(session, shop_id, key)
    earlier = queries.kept_answer(session, shop_id, key)
    if earlier is not None:
        return _repeated(earlier, digest)
    outcome = Outcome.of(work())
    queries.keep_answer(session, shop_id, key, KeptAnswer(digest, outcome.status, outcome.body))
    return outcome


def refused(session: Session, shop_id: int, key: str, digest: bytes, refusal: Unprocessable) -> Outcome:
    """Keep the refusal of a work whose transaction has ended with it; this one is new.

    A savepoint would do it in one transaction, and cost every request that is not refused two round trips. Whoever came
    between the two with the same key had the answer.
    """

    def again() -> Answer:
        return Answer(refusal.status, refusal.document())

    return once(session, shop_id, key, digest, again)


def _take_turn(session: Session, shop_id: int, key: str) -> None:
    """Hold the key until this transaction ends. Trying, not waiting: a client that repeats must not fill the pool."""
    name = hashlib.sha256(f"idempotency:{shop_id}:{key}".encode()).digest()
    if not queries.try_lock(session, int.from_bytes(name[:8], "big", signed=True)):
        raise Conflict(
            "The first request with this Idempotency-Key is still running. Repeat it shortly for its answer.",
            kind="request-in-progress",
            retry_after=1,
        )


def _repeated(earlier: KeptAnswer, digest: bytes) -> Outcome:
    if earlier.request_digest != digest:
        raise Unprocessable(
            "This Idempotency-Key came with another request before. Use a new key for a new request.",
            kind="idempotency-key-reused",
        )
    return Outcome(earlier.status, earlier.body, repeated=True)
