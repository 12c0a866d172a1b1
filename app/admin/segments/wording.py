"""Segments in the merchant's words: names of the first ones, attributes, and why somebody is in one."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from app.admin.texts import Formats
from app.admin.texts import gettext as _
from app.admin.texts import lazy_gettext as _l
from app.segments.evaluating import Reason
from app.segments.models import Segment

# Of the segments that every shop starts with; a name that the merchant has changed is the merchant's.
_FIRST = {
    "new_customers": ("New customers", _l("New customers")),
    "regulars": ("Regulars", _l("Regulars")),
    "vip": ("VIP by spend", _l("VIP by spend")),
    "at_risk": ("At risk", _l("At risk")),
    "lapsed": ("Lapsed", _l("Lapsed")),
    "members": ("Members", _l("Members")),
    "subscribers": ("Subscribers", _l("Subscribers")),
}
ATTRIBUTES = {
    "amount_spent": _l("Money spent"),
    "number_of_orders": _l("Number of orders"),
    "first_order_date": _l("First order"),
    "last_order_date": _l("Last order"),
    "customer_added_date": _l("Customer since"),
    "email_subscription_status": _l("E-mail subscription"),
    "sms_subscription_status": _l("SMS subscription"),
    "customer_account_status": _l("Customer account"),
    "customer_email_domain": _l("Domain of the e-mail address"),
    "customer_language": _l("Language"),
    "customer_countries": _l("Countries"),
    "customer_regions": _l("Regions"),
    "customer_cities": _l("Cities"),
    "customer_tags": _l("Customer tags"),
    "usual_order_interval": _l("Usual days between two orders"),
    "at_risk_date": _l("At risk since"),
    "loyalty_points": _l("Points"),
    "loyalty_member": _l("Member of the program"),
}


def name_of(segment: Segment) -> str:
    """What a segment is called."""
    english, translated = _FIRST.get(segment.key or "", ("", ""))
    return str(translated) if segment.name == english else segment.name


def why(reasons: Iterable[Reason], formats: Formats) -> list[str]:
    """The clauses that hold, each with the customer's own value beside it."""
    return [_one(reason, formats) for reason in reasons if reason.holds]


def _one(reason: Reason, formats: Formats) -> str:
    name = str(ATTRIBUTES.get(reason.clause.attribute.name, reason.clause.attribute.name))
    return _("%(what)s: %(value)s", what=name, value=_shown(reason.value, formats)) + f" ({reason.clause})"


def _shown(value: Any, formats: Formats) -> str:
    if value is None:
        return _("none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | Decimal):
        return formats.number(value)
    if isinstance(value, date):
        return formats.day(value)
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)
