"""Sign-ups of one shop that come at the same time share one transaction. Used by the storefront's door.

A flash sale makes hundreds a second, each a dozen statements and a wait for the disk, one after the other where
accounts are made. So while one transaction runs, all who come wait for the next, and whoever waits longest carries it
out for all of them. Alone, nobody waits. What must stay true: everybody gets an answer or an error, whatever the others
sent.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog

from app.db import is_passing
from app.errors import Problem
from app.popups.sign_up import Answer, Wish, sign_up_all
from app.runtime import Runtime

log = structlog.get_logger()

MOST = 100


@dataclass(frozen=True)
class _Visitor:
    """A wish. `turn` ends with its answer, or with None when this visitor is to carry out the next transaction."""

    wish: Wish
    turn: "Future[Answer | None]" = field(default_factory=Future)


class SignUps:
    """Those of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        # A shop is here while somebody carries sign-ups out for it.
        self._queues: dict[int, list[_Visitor]] = {}

    def sign_up(self, shop_id: int, wish: Wish) -> Answer:
        """The answer to a wish; gone where Perennial is not installed. Raises what the database raises."""
        try:
            return self._in_turn(shop_id, _Visitor(wish))
        except Exception as error:
            if isinstance(error, Problem) or is_passing(error):
                raise
            # It may be somebody else's fault: whose it is shows when each is alone.
            log.warning("sign-ups failed together", shop=shop_id, error=type(error).__name__)
            return self._answers(shop_id, [_Visitor(wish)])[0]

    def _in_turn(self, shop_id: int, visitor: _Visitor) -> Answer:
        with self._lock:
            first = shop_id not in self._queues
            self._queues.setdefault(shop_id, []).append(visitor)
        answer = None if first else visitor.turn.result()
        return answer or self._carry_out(shop_id)

    def _carry_out(self, shop_id: int) -> Answer:
        """Those who wait now, the caller at their head; then the next who waits takes over."""
        with self._lock:
            queue = self._queues[shop_id]
            batch = queue[:MOST]
            del queue[:MOST]
        others = batch[1:]
        try:
            own, *answers = self._answers(shop_id, batch)
        except BaseException as error:  # whatever it is, who waits has to hear of it
            self._hand_over(shop_id)
            for visitor in others:
                visitor.turn.set_exception(error)
            raise
        # First of all, since every answer wakes a thread, and all of them want the processor.
        self._hand_over(shop_id)
        for visitor, answer in zip(others, answers, strict=True):
            visitor.turn.set_result(answer)
        return own

    def _hand_over(self, shop_id: int) -> None:
        with self._lock:
            queue = self._queues[shop_id]
            if not queue:
                del self._queues[shop_id]
                return
            following = queue[0]
        following.turn.set_result(None)

    def _answers(self, shop_id: int, batch: Sequence[_Visitor]) -> list[Answer]:
        with self._runtime.database.shop(shop_id) as session:
            return sign_up_all(session, shop_id, [visitor.wish for visitor in batch])
