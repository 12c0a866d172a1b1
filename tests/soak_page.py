"""Writes docs/soak.md: what `make soak` measured, one section a story. Called by tests marked `soak`."""

import platform
import re
from pathlib import Path

from app import clock

PAGE = Path(__file__).resolve().parent.parent / "docs" / "soak.md"
_HEAD = "# Soak\n\nWritten by `make soak`: the laws and crash stories at full size.\n"


def write_section(title: str, body: str) -> None:
    """Replaces the section of this title, or adds it at the end."""
    page = PAGE.read_text("utf-8") if PAGE.is_file() else _HEAD
    facts = f"{clock.wall_now():%d %B %Y}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    section = f"\n## {title}\n\n{body}\n\n({facts})\n"
    pattern = re.compile(rf"\n## {re.escape(title)}\n.*?(?=\n## |\Z)", re.DOTALL)
    page = pattern.sub(lambda _: section, page) if pattern.search(page) else page + section
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page, encoding="utf-8")
