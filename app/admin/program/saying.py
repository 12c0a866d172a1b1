"""Rules and terms in the reader's language: the sentences of `app.loyalty.wording`, filled in through the catalogue.

Which sentences there are, and in which order, is decided by the rules alone (R132); here their words are looked up and
their gaps shown as the language writes numbers, instants and lists. A test holds that each sentence is translated.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import dates, lists, numbers

from app.admin.texts import gettext, language, ngettext
from app.loyalty import wording
from app.loyalty.rules import Rules
from app.loyalty.wording import Offer, Sentence, Terms, Value


def say(sentence: Sentence) -> str:
    """A sentence in the language of the request."""
    number = sentence.gaps.get("n")
    if sentence.several and isinstance(number, int):
        form = ngettext(sentence.one, sentence.several, number)
    else:
        form = gettext(sentence.one)
    return form.format(**{name: _shown(value) for name, value in sentence.gaps.items()})


def rules_in_words(rules: Rules, currency: str, zone: ZoneInfo) -> list[str]:
    """A rule version as a shopper would be told."""
    return [say(sentence) for sentence in wording.sentences(rules, currency, zone)]


def terms_in_words(terms: Terms, offers: Iterable[Offer], zone: ZoneInfo) -> list[str]:
    """What points buy, when the program runs, and what becomes of points when rewards are given back."""
    return [say(sentence) for sentence in wording.sentences_of_terms(terms, offers, zone)]


def _shown(value: Value) -> str:
    if isinstance(value, Sentence):
        return say(value)
    if isinstance(value, tuple):
        return str(lists.format_list([say(part) for part in value], locale=language()))
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, int | Decimal):
        return str(numbers.format_decimal(value, locale=language(), decimal_quantization=False))
    return value


def _instant(value: datetime) -> str:
    """In its own zone, to the minute unless seconds are needed to name it."""
    exact = value.second or value.microsecond
    # The rules themselves speak British English; each language has an order of its own for the parts of a day.
    locale = "en_GB" if language() == "en" else language()
    time = dates.format_time(value, "HH:mm:ss z" if exact else "HH:mm z", value.tzinfo, language())
    return f"{dates.format_date(value, 'long', locale)}, {time}"
