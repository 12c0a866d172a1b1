"""Webhook bodies about customers, read into facts. Pure; field names are Shopify's (2026-10).

Bodies of `customers/create|update` carry no consent since 2025-01: that comes under topics of its own.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from app import payload
from app.customers.contact import phone_number
from app.payload import BadPayload, Body


@dataclass(frozen=True, kw_only=True)
class CustomerSnapshot:
    """A customer at `updated_at`, as told at `triggered_at`. Only what is needed of a person; no street."""

    shop_id: int
    id: int
    email: str | None
    phone: str | None
    verified_email: bool | None
    first_name: str | None
    last_name: str | None
    country: str | None
    province: str | None
    city: str | None
    language: str | None
    state: str | None
    created_at: datetime | None
    updated_at: datetime
    triggered_at: datetime

    @cached_property
    def digest(self) -> bytes:
        """Digest of the fields in use."""
        content = {key: value for key, value in self.__dict__.items() if key not in {"triggered_at", "digest"}}
        return hashlib.sha256(orjson.dumps(content)).digest()[:16]

    @property
    def version(self) -> tuple[datetime, datetime, bytes]:
        """Newer is greater."""
        return (self.updated_at, self.triggered_at, self.digest)

    def row(self) -> dict[str, Any]:
        """The columns of `customers` that a snapshot fills."""
        return self.__dict__ | {"digest": "\\x" + self.digest.hex()}


@dataclass(frozen=True, kw_only=True)
class Consent:
    """A statement on marketing consent; `channel` is email or sms."""

    shop_id: int
    customer_id: int
    channel: str
    state: str
    level: str | None
    at: datetime

    @property
    def version(self) -> tuple[datetime, bool, str]:
        """Later wins; of two at one instant the one that forbids more."""
        return (self.at, self.state == "unsubscribed", self.state)


@dataclass(frozen=True)
class Merge:
    """Two customers became one."""

    shop_id: int
    kept: int
    absorbed: int


def parse_customer(shop_id: int, body: Body, triggered_at: datetime) -> CustomerSnapshot:
    """The snapshot in `customers/create|update|enable|disable`; raises BadPayload."""
    address = payload.mapping(body.get("default_address") or {}, "default_address")
    verified, phone = body.get("verified_email"), payload.text(body, "phone")
    return CustomerSnapshot(
        shop_id=shop_id,
        id=payload.needed_id(body),
        email=payload.email(body),
        phone=phone_number(phone) or phone,
        verified_email=verified if isinstance(verified, bool) else None,
        first_name=payload.text(body, "first_name"),
        last_name=payload.text(body, "last_name"),
        country=payload.text(address, "country_code"),
        province=payload.text(address, "province_code"),
        city=payload.text(address, "city"),
        language=payload.text(body, "locale"),
        state=payload.text(body, "state"),
        created_at=payload.instant(body, "created_at"),
        updated_at=payload.needed_instant(body, "updated_at"),
        triggered_at=triggered_at,
    )


def parse_consent(shop_id: int, body: Body, triggered_at: datetime, *, channel: str) -> Consent:
    """The statement in `customers_email_marketing_consent/update` or `customers_marketing_consent/update` (SMS)."""
    stated = payload.mapping(body.get(f"{channel}_marketing_consent") or {}, "consent")
    state = payload.text(stated, "state")
    if state is None:
        raise BadPayload("missing-consent", "the consent has no state")
    return Consent(
        shop_id=shop_id,
        customer_id=payload.needed_id(body, "customer_id" if channel == "email" else "id"),
        channel=channel,
        state=state.lower(),
        level=payload.text(stated, "opt_in_level"),
        at=payload.instant(stated, "consent_updated_at") or triggered_at,
    )


def parse_merge(shop_id: int, body: Body) -> Merge | None:
    """The pair in `customers/merge`; None while the merge has not succeeded."""
    kept = payload.needed_id(body, "admin_graphql_api_customer_kept_id")
    absorbed = payload.needed_id(body, "admin_graphql_api_customer_deleted_id")
    status = (payload.text(body, "status") or "completed").lower()
    if kept == absorbed or status in {"failed", "requested", "in_progress"}:
        return None
    return Merge(shop_id, kept, absorbed)
