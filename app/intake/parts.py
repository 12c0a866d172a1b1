"""The parts of a bulk operation's file: whole lines, some megabytes at a time, and reading them. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import orjson

from app.intake.rows import Chunk
from app.payload import BadPayload


class Source(NamedTuple):
    """Whose file it is, when the operation began, and whether Shopify's figures of each customer count."""

    shop_id: int
    told_at: datetime
    figures: bool


class Part(NamedTuple):
    """Whole lines of a file, read, and how many bytes they take in it."""

    content: Chunk
    size: int


def parts(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Whole lines, about so many bytes at a time; what does not end in a line break is incomplete and left out."""
    rest = b""
    for block in blocks:
        rest += block
        while len(rest) >= size and (end := rest.rfind(b"\n", 0, size) + 1 or rest.find(b"\n") + 1):
            yield rest[:end]
            rest = rest[end:]
    if end := rest.rfind(b"\n") + 1:
        yield rest[:end]


def read(part: bytes, source: Source) -> Part:
    """Raises BadPayload. PostgreSQL cannot store NUL, which JSON can say."""
    lines = (part.replace(b"\\u0000", b"") if b"\\u0000" in part else part).splitlines()
    chunk = Chunk(source.shop_id, source.told_at, figures=source.figures)
    try:
        for raw in lines:
            chunk.add(orjson.loads(raw), raw)
    except orjson.JSONDecodeError as error:
        raise BadPayload("wrong-line", "a line of a bulk operation is no JSON") from error
    return Part(chunk, len(part))
