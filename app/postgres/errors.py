"""What the embedded server says when it cannot serve; shown by `perennial` and by `perennial doctor`."""

from __future__ import annotations


class PostgresUnavailable(Exception):
    """No database can be had. `message` says what is the matter, `remedy` what the reader can do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy
