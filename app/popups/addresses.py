"""E-mail addresses as people type them into a popup, and the mailbox behind an address.

Variants of one mailbox (capitals, `+tags`, dots where the provider ignores them) get one code. The address itself is
kept as it was typed, apart from its case: mail goes there.
"""

import re

# Providers that ignore dots in the local part, and names under which the same mailbox is reached.
_DOTLESS = frozenset({"gmail.com"})
_SAME_PROVIDER = {"googlemail.com": "gmail.com"}
_MINUS_TAGS = frozenset({"yahoo.com"})
# Providers whose addresses live for minutes. A code each would be a code for anybody, as often as they like.
_DISPOSABLE = frozenset((
    "10minutemail.com", "discard.email", "dispostable.com", "emailondeck.com", "fakeinbox.com", "getnada.com",
    "grr.la", "guerrillamail.com", "guerrillamail.info", "inboxkitten.com", "mail-temp.com", "mailcatch.com",
    "maildrop.cc", "mailinator.com", "mailnesia.com", "mintemail.com", "moakt.com", "mohmal.com", "sharklasers.com",
    "spam4.me", "tempail.com", "temp-mail.org", "tempmail.com", "tempmailo.com", "throwawaymail.com",
    "trashmail.com", "yopmail.com", "yopmail.fr",
))  # fmt: skip
_LOCAL = re.compile(r"[^\s@\"(),:;<>\[\]\\\x00-\x1f\x7f]{1,64}")
_DOMAIN = re.compile(r"(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})")


def cleaned(typed: str) -> str | None:
    """The address in lower case, its domain as it stands in the DNS; None for what no mail can reach.

    Kept simple on purpose: quoted local parts and addresses of numbers are refused, as every shop's checkout does.
    """
    local, at, domain = typed.strip().lower().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    sound = at and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) and ".." not in local
    if not sound or local.startswith(".") or local.endswith(".") or len(local) + len(domain) > 253:
        return None
    return f"{local}@{domain}"


def is_disposable(address: str) -> bool:
    """Whether a cleaned address belongs to a provider of mailboxes for minutes, or to a part of one."""
    domain = address.rpartition("@")[2]
    return any(domain == known or domain.endswith(f".{known}") for known in _DISPOSABLE)


def mailbox(address: str) -> str:
    """The mailbox behind a cleaned address: the same for all its variants."""
    local, _, domain = address.rpartition("@")
    domain = _SAME_PROVIDER.get(domain, domain)
    local = local.partition("-" if domain in _MINUS_TAGS else "+")[0] or local
    return f"{local.replace('.', '') if domain in _DOTLESS else local}@{domain}"
