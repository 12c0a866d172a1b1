"""What it means to a merchant that an event was set aside, in plain words. `webhooks.log` shows it beside each event.

Every reason that the reader, the loop or a person gives has its sentence here; a test keeps it so.
"""

_ODD = "A part of what Shopify sent is not what it documents, so this message was not used; others about it may be."
_MEANINGS = {
    "broken-json": "What arrived could not be read at all. Nothing was made of it.",
    "failed": "The app made a mistake over this message. It is kept, and can be replayed once the mistake is mended.",
    "fatal": "The app broke down each time it took this message up, so it stays aside until somebody has looked at it.",
    "unreadable": "The content was erased, or was encrypted with a key that is no longer configured.",
    "missing-id": "The message does not say which order, customer or refund it is about.",
    "missing-time": "The message does not say when the thing it tells of happened, so it cannot be put in its place.",
    "missing-consent": "The message is about marketing consent and does not say whether it was given.",
    "wrong-id": _ODD,
    "wrong-time": _ODD,
    "wrong-type": _ODD,
    "wrong-money": "An amount in the message is no amount of money, so no points were reckoned from it.",
    "wrong-currency": "The message names no currency that exists, so no points were reckoned from it.",
    "wrong-line": "A line of what Shopify handed out for an import cannot be read, so it was left out.",
    "unknown-topic": "This version of the app makes no use of such messages.",
    "other-shop": "The message is about another shop than the one that it was delivered for.",
    "nothing-to-do": "The message tells of something that was asked for and did not happen.",
    "dismissed": "Somebody looked at it and decided that nothing is to be made of it.",
}


def explain(reason: str | None, detail: str | None) -> str | None:
    """The reason in plain words, with the detail that was stored beside it; None for an event that has none."""
    meaning = _MEANINGS.get(reason) if reason else None
    return " ".join(part for part in (meaning, detail and f"({detail.rstrip('.')})") if part) or None


def reasons() -> frozenset[str]:
    """All that have a meaning."""
    return frozenset(_MEANINGS)
