"""What a check of `perennial doctor` finds, in words for people who run a shop and not a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One result: `title` in a few words, `detail` what was seen, `remedy` what to do (empty when all is well)."""

    level: Level
    title: str
    detail: str
    remedy: str = ""


def ok(title: str, detail: str) -> Finding:
    """All is well."""
    return Finding("ok", title, detail)


def warning(title: str, detail: str, remedy: str) -> Finding:
    """It works, but not as it should in the long run."""
    return Finding("warning", title, detail, remedy)


def error(title: str, detail: str, remedy: str) -> Finding:
    """Perennial cannot work like this."""
    return Finding("error", title, detail, remedy)
