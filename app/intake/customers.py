"""Customers of a bulk operation, taken in as their lines come: they have no children that could be far away.

Goes through the same doors as webhooks. Of a comparison (`Taken`) only those with other contents count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import payload
from app.changes import Changes
from app.customers import imported, service, tags
from app.customers.contact import phone_number
from app.customers.imported import Figures
from app.customers.payload import Consent, CustomerSnapshot
from app.intake.rows import minor, number
from app.payload import BadPayload
from app.reactions import react
from app.sql import rows

Doc = Mapping[str, Any]


class Taken(NamedTuple):
    """Customers that were not here, and those that were here with other or older contents."""

    missed: int
    stale: int


@dataclass(frozen=True, kw_only=True)
class _Told(CustomerSnapshot):
    """A snapshot with what else its line tells, so that who is new here is written once instead of thrice."""

    more: dict[str, Any]

    def row(self) -> dict[str, Any]:
        """The columns of `customers`; those of `more` count for a new row alone."""
        return super().row() | self.more


def take_in(session: Session, shop_id: int, docs: Sequence[Doc], told_at: datetime, *, figures: bool) -> Taken:
    """Bring customers up to date; `figures`: note what Shopify counts of each, too (at an import)."""
    snapshots = [_snapshot(shop_id, doc, told_at, figures=figures) for doc in docs]
    found = _different(session, shop_id, snapshots)
    wanted = {row.id for row in found}
    changes = service.apply(session, [snapshot for snapshot in snapshots if snapshot.id in wanted])
    service.apply_consents(session, [consent for doc in docs for consent in _consents(shop_id, doc)])
    tags.apply_lists(session, shop_id, {number(doc["id"]): tags.folded(doc["tags"]) for doc in docs}, told_at)
    if figures:
        noted = imported.note_figures(session, shop_id, [_figures(doc, told_at) for doc in docs])
        # Whoever has orders here is settled now; totals of all others follow when everything is here.
        changes.add(Changes(accounts=imported.with_orders(session, noted.accounts)))
    react(session, changes)
    missed = sum(row.is_new for row in found)
    return Taken(missed, len(found) - missed)


# What webhooks and this tell alike. Nobody who is gone, and nothing that is newer here.
_DIFFERENT = text("""
select s.id, c.created_at is null as is_new
from jsonb_populate_recordset(null::customers, cast(:rows as jsonb)) s
left join customers c on c.shop_id = :shop_id and c.id = s.id
where c.id is null or (
    c.deleted_at is null and c.redacted_at is null and c.merged_into is null
    and (c.updated_at is null or (c.updated_at, c.triggered_at) < (s.updated_at, s.triggered_at))
    and (c.email, c.phone, c.verified_email, c.first_name, c.last_name, c.country, c.province, c.city, c.state,
         c.created_at)
        is distinct from (s.email, s.phone, s.verified_email, s.first_name, s.last_name, s.country, s.province, s.city,
         s.state, s.created_at))
""")


def _different(session: Session, shop_id: int, snapshots: Sequence[CustomerSnapshot]) -> Sequence[Any]:
    told = rows(snapshot.row() for snapshot in snapshots)
    return session.execute(_DIFFERENT, {"rows": told, "shop_id": shop_id}).all()


def _snapshot(shop_id: int, doc: Doc, told_at: datetime, *, figures: bool) -> CustomerSnapshot:
    """A customer of the Admin API; what is not granted is absent."""
    labels = tags.facts(tags.folded(doc["tags"]), told_at)
    more: dict[str, Any] = {"tags": labels, "tags_at": told_at} if labels else {}
    for consent in _consents(shop_id, doc):
        named = f"{consent.channel}_consent"
        more |= {named: consent.state, f"{named}_level": consent.level, f"{named}_at": consent.at}
    if figures:
        counted = _figures(doc, told_at)
        more |= {"imported_orders": counted.orders, "imported_spent_minor": counted.spent_minor, "imported_at": told_at}
    place = doc.get("defaultAddress") or {}
    phone = payload.text(doc.get("defaultPhoneNumber") or {}, "phoneNumber")
    verified = doc["verifiedEmail"]
    return _Told(
        more=more,
        shop_id=shop_id,
        id=number(doc["id"]),
        email=payload.email(doc.get("defaultEmailAddress") or {}, "emailAddress"),
        phone=phone_number(phone) or phone,
        verified_email=verified if isinstance(verified, bool) else None,
        first_name=payload.text(doc, "firstName"),
        last_name=payload.text(doc, "lastName"),
        country=payload.text(place, "countryCodeV2"),
        province=payload.text(place, "provinceCode"),
        city=payload.text(place, "city"),
        language=payload.text(doc, "locale"),
        state=(payload.text(doc, "state") or "").lower() or None,
        created_at=payload.instant(doc, "createdAt"),
        updated_at=payload.needed_instant(doc, "updatedAt"),
        triggered_at=told_at,
    )


def _consents(shop_id: int, doc: Doc) -> list[Consent]:
    """What was ever said about marketing: a state without an instant is Shopify's default, nobody's word."""
    email, phone = doc.get("defaultEmailAddress") or {}, doc.get("defaultPhoneNumber") or {}
    sms = phone.get("smsMarketingConsent") or {}
    told = (
        ("email", email.get("marketingState"), email.get("marketingOptInLevel"), email.get("marketingUpdatedAt")),
        ("sms", sms.get("state"), sms.get("optInLevel"), sms.get("updatedAt")),
    )
    return [
        Consent(
            shop_id=shop_id,
            customer_id=number(doc["id"]),
            channel=channel,
            state=state.lower(),
            level=level.lower() if level else None,
            at=payload.needed_instant({"at": at}, "at"),
        )
        for channel, state, level, at in told
        if state and at
    ]


def _figures(doc: Doc, told_at: datetime) -> Figures:
    spent = doc["amountSpent"]
    try:
        return Figures(
            number(doc["id"]), int(doc["numberOfOrders"]), minor(spent["amount"], spent["currencyCode"]), told_at
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadPayload("wrong-line", "a customer's figures cannot be read") from error
