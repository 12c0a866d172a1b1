"""Reading the next part of a file while the database stores the one in hand."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def ahead(parts: Iterable[T]) -> Iterator[T]:
    """The same parts, each one made in another thread while the one before it is used; never more than one ahead."""
    source = iter(parts)

    def following() -> list[T]:
        return list(islice(source, 1))

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        coming: Future[list[T]] = thread.submit(following)
        while part := coming.result():
            coming = thread.submit(following)
            yield from part
