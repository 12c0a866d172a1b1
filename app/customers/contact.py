"""Addresses and numbers as keys: what makes two of them the same. Pure; used by identities and by offers to merge."""

import re

_NOT_DIALLED = re.compile(r"[\s().\-/\u00a0]")
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)


def phone_number(written: str | None) -> str | None:
    """A number in E.164, `+4915112345678`; None where the country is not said, for then it may be anybody's."""
    if written is None:
        return None
    dialled = _NOT_DIALLED.sub("", written)
    if dialled.startswith("00"):
        dialled = "+" + dialled[2:]
    return dialled if _E164.fullmatch(dialled) else None
