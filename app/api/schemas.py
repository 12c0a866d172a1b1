"""Shapes of what the API answers and takes, as JSON Schema 2020-12.

Answers are published under their names as components of the document; requests are also what `checks.py` enforces.
"""

from app.api.action_schemas import ACTION_COMPONENTS
from app.api.merge_schemas import MERGE_COMPONENTS, ROW_ERROR
from app.api.popup_schemas import POPUP_COMPONENTS
from app.api.program_schemas import PROGRAM_COMPONENTS
from app.api.referral_schemas import LINK, REFERRAL_COMPONENTS
from app.api.segment_schemas import SEGMENT_COMPONENTS
from app.api.shapes import (
    ID,
    INSTANT,
    INSTANT_OR_NULL,
    ONE_LINE,
    SHOPIFY_ID,
    TEXT,
    TEXT_OR_NULL,
    UUID_TEXT,
    WHOLE,
    Schema,
    page_of,
    record,
    reference,
)
from app.api.storefront import STOREFRONT_COMPONENTS

LARGEST_ADJUSTMENT = 1_000_000_000
EVENT_STATES = ("pending", "done", "ignored", "parked")

_consent = record(
    {
        "state": {**TEXT_OR_NULL, "description": "Shopify's word, such as subscribed or not_subscribed."},
        "opt_in_level": TEXT_OR_NULL,
        "updated_at": INSTANT_OR_NULL,
    }
)
_source = record({"kind": {**TEXT, "description": "order, adjustment, redemption …"}, "id": TEXT})

COMPONENTS: dict[str, Schema] = {
    "Money": record({"amount": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}, "currency": TEXT}),
    "Customer": record(
        {
            "id": ID,
            "points": record(
                {
                    "balance": {**WHOLE, "description": "Available and pending less owed."},
                    "available": {**WHOLE, "description": "Can be spent now."},
                    "pending": {**WHOLE, "description": "Cannot be spent yet."},
                    "lifetime": {**WHOLE, "description": "Earned less taken back; redemptions do not lower it."},
                    "owed": {**WHOLE, "description": "Spent, and taken back afterwards."},
                    "expiring": {
                        "type": "array",
                        "items": record({"at": INSTANT, "points": WHOLE}),
                        "description": "What ends when, unless it is spent before; the next twenty.",
                    },
                }
            ),
            "segments": {"type": "array", "items": TEXT},
            "referral": LINK,
            "totals": record(
                {
                    "orders": WHOLE,
                    "spent": reference("Money"),
                    "first_order_at": INSTANT_OR_NULL,
                    "last_order_at": INSTANT_OR_NULL,
                    "lifetime_orders": {**WHOLE, "description": "With those of before this app was installed."},
                    "lifetime_spent": reference("Money"),
                    "history_known": {
                        "type": "boolean",
                        "description": "False while what was bought before is not known: this is nobody new.",
                    },
                }
            ),
            "consent": record({"email": _consent, "sms": _consent}),
        }
    ),
    "LedgerEntry": record(
        {
            "id": ID,
            "points": WHOLE,
            "reason": {**TEXT, "description": "Stable key, such as order_earned."},
            "description": {**TEXT, "description": "The reason in words for the shopper."},
            "note": {**TEXT_OR_NULL, "description": "What the person who changed the points wrote."},
            "source": _source,
            "rule_version": {"type": ["integer", "null"]},
            "actor": {**TEXT_OR_NULL, "description": "Who did it, where a person or an API key did: key:4."},
            "business_at": {**INSTANT, "description": "When it counts."},
            "recorded_at": {**INSTANT, "description": "When it was written."},
        }
    ),
    "Adjustment": record(
        {
            "id": {**ID, "description": "The ledger entry."},
            "points": WHOLE,
            "balance": {**WHOLE, "description": "The balance right after it."},
            "source": _source,
        }
    ),
    "Lot": record(
        {
            "id": ID,
            "source": _source,
            "granted": WHOLE,
            "remaining": WHOLE,
            "available_at": INSTANT,
            "expires_at": {**INSTANT_OR_NULL, "description": "Null: not by itself."},
        }
    ),
    "Redemption": record(
        {
            "id": UUID_TEXT,
            "state": {"type": "string", "enum": ["held", "issued", "used", "cancelling", "cancelled", "failed"]},
            "code": {**TEXT_OR_NULL, "description": "Null until Shopify knows it, and once it is withdrawn."},
            "reward_id": ID,
            "points": WHOLE,
            "value": reference("Money"),
            "failure": {**TEXT_OR_NULL, "description": "Why there is no code, or why it could not be withdrawn."},
            "returned": {**WHOLE, "description": "Points that came back because the order that used it was refunded."},
            "created_at": INSTANT,
            "expires_at": {**INSTANT_OR_NULL, "description": "When an unused code is withdrawn. Null: never."},
            "settled_at": INSTANT_OR_NULL,
        }
    ),
    "Event": record(
        {
            "id": ID,
            "topic": TEXT,
            "webhook_id": TEXT,
            "state": {"type": "string", "enum": list(EVENT_STATES)},
            "attempts": WHOLE,
            "reason": {
                **TEXT_OR_NULL,
                "description": "Stable key, for events that were ignored, parked or have failed.",
            },
            "explanation": {**TEXT_OR_NULL, "description": "The reason in plain words."},
            "triggered_at": INSTANT,
            "received_at": INSTANT,
            "retry_at": INSTANT_OR_NULL,
            "finished_at": INSTANT_OR_NULL,
        }
    ),
    "Problem": {
        "type": "object",
        "description": "RFC 9457. Compare `type`; `detail` is for people and says what to do.",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": TEXT,
            "status": WHOLE,
            "detail": TEXT,
            "errors": {
                "type": "array",
                "items": record({"pointer": {**TEXT, "description": "JSON pointer or parameter."}, "detail": TEXT}),
            },
            "rows": {"type": "array", "items": ROW_ERROR, "description": "Of a file: what is wrong, and where."},
            "retry_after": {**WHOLE, "description": "Seconds; also the Retry-After header."},
        },
        "additionalProperties": True,
    },
}
COMPONENTS |= PROGRAM_COMPONENTS | ACTION_COMPONENTS | MERGE_COMPONENTS | POPUP_COMPONENTS | STOREFRONT_COMPONENTS
COMPONENTS |= REFERRAL_COMPONENTS
COMPONENTS |= SEGMENT_COMPONENTS
COMPONENTS |= {f"{name}Page": page_of(name) for name in ("LedgerEntry", "Lot", "Redemption", "Event")}

ADJUSTMENT_REQUEST: Schema = {
    "type": "object",
    "required": ["points", "reason"],
    "additionalProperties": False,
    "properties": {
        "points": {
            "type": "integer",
            "minimum": -LARGEST_ADJUSTMENT,
            "maximum": LARGEST_ADJUSTMENT,
            "not": {"const": 0},
            "description": "To add, or below zero to take.",
        },
        "reason": {
            "type": "string",
            "minLength": 1,
            "maxLength": 500,
            "pattern": ONE_LINE,
            "description": "Why, in words. Kept beside the entry.",
        },
        "allow_negative": {
            "type": "boolean",
            "default": False,
            "description": "Whether the balance may fall below zero.",
        },
    },
}
DISMISSAL_REQUEST: Schema = {
    "type": "object",
    "required": ["note"],
    "additionalProperties": False,
    "properties": {
        "note": {
            "type": "string",
            "minLength": 1,
            "maxLength": 500,
            "pattern": ONE_LINE,
            "description": "Why nothing is to be made of it, without naming a person.",
        }
    },
}
REDEMPTION_REQUEST: Schema = {
    "type": "object",
    "required": ["reward_id"],
    "additionalProperties": False,
    "properties": {
        "reward_id": {
            "type": ["string", "integer"],
            "pattern": SHOPIFY_ID,
            "minimum": 1,
            "maximum": 2**63 - 1,
            "description": "The id of a reward, as GET /rewards gives it.",
        }
    },
}
