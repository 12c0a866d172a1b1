"""Sign-ups of one shop that come at the same time share one transaction. Used by the storefront's door.

A flash sale makes hundreds a second, each a dozen statements and a wait for the disk, one after the other where
accounts are made. So while one transaction runs, all who come wait for the next. They wait on the event loop, because
hundreds of threads would take the processor from the one that talks to the database. Alone, nobody waits. What must
stay true: everybody gets an answer or an error, whatever the others sent.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import structlog

from app.db import is_passing
from app.errors import Problem
from app.popups.sign_up import Answer, Wish, sign_up_all
from app.runtime import Runtime

log = structlog.get_logger()

MOST = 100
SHOPS_AT_ONCE = 4


class _Visitor(NamedTuple):
    wish: Wish
    turn: asyncio.Future[Answer]


class SignUps:
    """Those of one process, on one event loop."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._threads = ThreadPoolExecutor(SHOPS_AT_ONCE, "sign-ups")
        # A shop is here while its sign-ups are carried out.
        self._queues: dict[int, list[_Visitor]] = {}
        self._carriers: set[asyncio.Task[None]] = set()

    async def sign_up(self, shop_id: int, wish: Wish) -> Answer:
        """The answer to a wish; gone where Perennial is not installed. Raises what the database raises."""
        visitor = _Visitor(wish, asyncio.get_running_loop().create_future())
        if (queue := self._queues.get(shop_id)) is not None:
            queue.append(visitor)
        else:
            self._queues[shop_id] = [visitor]
            carrier = asyncio.create_task(self._carry_out(shop_id))
            self._carriers.add(carrier)
            carrier.add_done_callback(self._carriers.discard)
        return await visitor.turn

    def close(self) -> None:
        """What is in hand is finished; what waits has nobody who waits for it any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _carry_out(self, shop_id: int) -> None:
        queue = self._queues[shop_id]
        while queue:
            batch = queue[:MOST]
            del queue[:MOST]
            await self._settle(shop_id, batch)
        del self._queues[shop_id]

    async def _settle(self, shop_id: int, batch: Sequence[_Visitor]) -> None:
        wishes = [visitor.wish for visitor in batch]
        try:
            answers = await asyncio.get_running_loop().run_in_executor(self._threads, self._answers, shop_id, wishes)
        except Exception as error:
            if len(batch) == 1 or isinstance(error, Problem) or is_passing(error):
                for visitor in batch:
                    if not visitor.turn.done():
                        visitor.turn.set_exception(error)
                return
            # It may be somebody else's fault: whose it is shows when each is alone.
            log.warning("sign-ups failed together", shop=shop_id, error=type(error).__name__)
            for visitor in batch:
                await self._settle(shop_id, [visitor])
            return
        for visitor, answer in zip(batch, answers, strict=True):
            # Who has gone meanwhile has signed up all the same.
            if not visitor.turn.done():
                visitor.turn.set_result(answer)

    def _answers(self, shop_id: int, wishes: Sequence[Wish]) -> list[Answer]:
        with self._runtime.database.shop(shop_id) as session:
            return sign_up_all(session, shop_id, wishes)
