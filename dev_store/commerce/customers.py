"""Customers: registering, changing, consenting, merging, leaving.

A customer's document is webhook-shaped (since 2025-01 without consent, tags or counts); those live beside it under
private keys, where the GraphQL side reads them: `_email_marketing_consent`, `_sms_marketing_consent`, `_tags` (list),
`_locale`.
"""

from datetime import datetime
from typing import Any

from dev_store.commerce.addresses import address, customer_address
from dev_store.commerce.verbs import Verbs, gid, verb
from dev_store.refusals import RefusalError
from dev_store.state import Document

CONSENT_STATES = ("subscribed", "not_subscribed", "pending", "unsubscribed", "redacted", "invalid")
_CHANGEABLE = ("first_name", "last_name", "email", "phone", "note", "verified_email", "tax_exempt", "state")


class CustomerVerbs(Verbs):
    @verb
    def create_customer(
        self,
        *,
        at: datetime,
        email: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        phone: str | None = None,
        accepts_marketing: bool = False,
        verified_email: bool = True,
        country: str | None = None,
        language: str | None = None,
        tags: list[str] | None = None,
    ) -> int:
        """Registers somebody and returns the id. RefusalError when the e-mail or phone belongs to another customer."""
        self._must_be_free(None, email=email, phone=phone)
        key, shop = self._new("customer"), self.shop_document()
        plain = address(country or shop["country_code"], first_name, last_name, phone)
        plain["address1"] = f"{key} Market Street"  # a house for everybody: who shares one looks like one person
        document = {
            **_registered(key, self._stamp(at), shop["currency"]),
            "first_name": first_name,
            "last_name": last_name,
            "email": email,
            "phone": phone,
            "verified_email": verified_email,
            **_living_at(customer_address(self._new("address"), key, plain)),
            "_tags": tags or [],
            "_locale": language or shop["primary_locale"],
        }
        self.state.put(self.shop, "customer", key, document)
        self._emit(at, ("customers/create", document))
        self._tell_tags(document, [], at)
        if accepts_marketing and email:
            self.set_email_consent(key, "subscribed", at=at)
        return key

    @verb
    def update_customer(self, customer_id: int, /, *, at: datetime, **fields: Any) -> None:
        """Changes plain fields, `tags` (a list) or `language`; RefusalError for a field a customer does not have."""
        customer = self._document("customer", customer_id)
        before = customer["_tags"]
        private = {"tags": "_tags", "language": "_locale"}
        for field, value in fields.items():
            if field not in (*_CHANGEABLE, *private):
                raise RefusalError(f"a customer has no {field} that could be changed")
            customer[private.get(field, field)] = value
        self._must_be_free(customer_id, email=fields.get("email"), phone=fields.get("phone"))
        self._save_customer(customer, at)
        self._emit(at, ("customers/update", customer))
        self._tell_tags(customer, before, at)

    @verb
    def set_email_consent(self, customer_id: int, state: str, *, at: datetime, opt_in: str = "single_opt_in") -> None:
        """Records e-mail consent (one of CONSENT_STATES). RefusalError without an e-mail address, as at Shopify."""
        customer = self._document("customer", customer_id)
        if not customer["email"]:
            raise RefusalError(f"customer {customer_id} has no e-mail address to consent with")
        customer["_email_marketing_consent"] = consent = self._consent(state, opt_in, at)
        self._save_customer(customer, at)
        body = {"customer_id": customer_id, "email_address": customer["email"], "email_marketing_consent": consent}
        self._emit(at, ("customers_email_marketing_consent/update", body))

    @verb
    def set_sms_consent(self, customer_id: int, state: str, *, at: datetime, opt_in: str = "single_opt_in") -> None:
        """Records SMS consent. RefusalError without a phone number, as at Shopify."""
        customer = self._document("customer", customer_id)
        if not customer["phone"]:
            raise RefusalError(f"customer {customer_id} has no phone number to consent with")
        consent = {**self._consent(state, opt_in, at), "consent_collected_from": "OTHER"}
        customer["_sms_marketing_consent"] = consent
        self._save_customer(customer, at)
        body = {"id": customer_id, "phone": customer["phone"], "sms_marketing_consent": consent}
        self._emit(at, ("customers_marketing_consent/update", body))

    @verb
    def delete_customer(self, customer_id: int, *, at: datetime) -> None:
        """RefusalError for a customer with orders: Shopify deletes nobody who has bought."""
        customer = self._document("customer", customer_id)
        if self.state.find(self.shop, "order", "customer_id", customer_id):
            raise RefusalError(f"customer {customer_id} has orders and cannot be deleted")
        self.state.delete(self.shop, "customer", customer_id)
        fields = ("id", "admin_graphql_api_id", "tax_exemptions")
        self._emit(at, ("customers/delete", {field: customer[field] for field in fields}))

    @verb
    def merge_customers(self, kept: int, deleted: int, *, at: datetime) -> None:
        """Moves the orders of `deleted` to `kept` and removes `deleted`; announced by customers/merge alone."""
        survivor, gone = self._document("customer", kept), self._document("customer", deleted)
        if kept == deleted:
            raise RefusalError("a customer cannot be merged with itself")
        survivor["phone"] = survivor["phone"] or gone["phone"]
        survivor["_tags"] = sorted({*survivor["_tags"], *gone["_tags"]})
        self.state.delete(self.shop, "customer", deleted)
        self._save_customer(survivor, at)
        for order in self.state.find(self.shop, "order", "customer_id", deleted):
            order["customer"] = as_buyer(survivor)
            self.state.put(self.shop, "order", order["id"], order)
        body: Document = {
            "admin_graphql_api_customer_kept_id": gid("Customer", kept),
            "admin_graphql_api_customer_deleted_id": gid("Customer", deleted),
            "admin_graphql_api_job_id": None,
            "status": "completed",
            "errors": [],
        }
        self._emit(at, ("customers/merge", body))

    def _tell_tags(self, customer: Document, before: list[str], at: datetime) -> None:
        """Tags are told by webhooks of their own, what came and what went apart."""
        now = customer["_tags"]
        for word, more, less in (("added", now, before), ("removed", before, now)):
            changed = sorted(set(more) - set(less))
            if changed:
                told = {"customerId": gid("Customer", customer["id"]), "tags": changed, "occurredAt": self._stamp(at)}
                self._emit(at, (f"customer.tags_{word}", told))

    def _save_customer(self, customer: Document, at: datetime) -> None:
        customer["updated_at"] = self._stamp(at)
        self.state.put(self.shop, "customer", customer["id"], customer)

    def _must_be_free(self, customer_id: int | None, **values: str | None) -> None:
        for field, value in values.items():
            wanted = value.strip().lower() if value else None
            owners = self.state.find(self.shop, "customer", field, wanted) if wanted else []
            if any(owner["id"] != customer_id for owner in owners):
                raise RefusalError(f"{field} has already been taken")

    def _consent(self, state: str, opt_in: str, at: datetime) -> dict[str, Any]:
        if state not in CONSENT_STATES:
            raise RefusalError(f"{state} is no state of consent; there are {', '.join(CONSENT_STATES)}")
        return {"state": state, "opt_in_level": opt_in, "consent_updated_at": self._stamp(at)}


def as_buyer(customer: Document) -> Document:
    """The customer as it stands inside an order."""
    return {key: value for key, value in customer.items() if key != "addresses" and not key.startswith("_")}


def _registered(key: int, stamp: str, currency: str) -> dict[str, Any]:
    """What every new customer has in common."""
    return {
        "id": key,
        "admin_graphql_api_id": gid("Customer", key),
        "created_at": stamp,
        "updated_at": stamp,
        "state": "disabled",
        "note": "",
        "multipass_identifier": None,
        "tax_exempt": False,
        "tax_exemptions": [],
        "currency": currency,
        "_email_marketing_consent": _no_consent(),
        "_sms_marketing_consent": {**_no_consent(), "consent_collected_from": "OTHER"},
    }


def _living_at(home: dict[str, Any]) -> dict[str, Any]:
    """The list of addresses writes an empty string where the default address writes null."""
    written = {field: "" if value is None else value for field, value in home.items()}
    return {"addresses": [written], "default_address": home}


def _no_consent() -> dict[str, Any]:
    return {"state": "not_subscribed", "opt_in_level": None, "consent_updated_at": None}
