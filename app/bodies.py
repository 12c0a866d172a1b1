"""Reading the body of a request that may be larger than anybody may make us read. Used by doors on the event loop."""

from collections.abc import AsyncIterable
from typing import IO


async def copy(pieces: AsyncIterable[bytes], into: IO[bytes], *, largest: int) -> int:
    """How many bytes came. No more than `largest` are kept, and no more than four times as many are read.

    Most senders read no answer before they have sent everything, so what is too large is heard out for a while.
    """
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size <= largest:
            into.write(piece)
        elif size > 4 * largest:
            break
    return size
