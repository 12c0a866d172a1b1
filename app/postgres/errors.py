"""Errors that a person can mend; the command line prints them, `perennial doctor` shows them as findings."""

from __future__ import annotations


class _Mendable(Exception):
    """`message` says what is the matter, `remedy` what the reader can do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class PostgresUnavailable(_Mendable):
    """No database can be had."""


class BackupError(_Mendable):
    """A backup cannot be made or restored."""
