"""Shapes of programs, rule versions, rewards, previews and history. Rules are read by `app.loyalty.rules` alone."""

from app.api.shapes import (
    ID,
    INSTANT,
    INSTANT_OR_NULL,
    ONE_LINE,
    TEXT,
    WHOLE,
    Schema,
    page_of,
    record,
    reference,
)
from app.loyalty import rules

FLAG: Schema = {"type": "boolean"}
MONEY = reference("Money")
IN_WORDS: Schema = {"type": "array", "items": TEXT, "description": "The same in plain words."}
# All there is to say about rules stands beside the code that reads them.
RULES: Schema = {"type": "object", "description": rules.__doc__}
COUNTING = ("as_posted", "all_orders")
LARGEST_PRICE = 1_000_000_000
CODE_DAYS: Schema = {
    "type": ["integer", "null"],
    "minimum": 1,
    "maximum": 3_650,
    "description": "Whole days that a code works; an unused one is then withdrawn and its points return.",
}

_sum = record({"accounts": WHOLE, "points": WHOLE})
_side = record({"points": WHOLE, "accounts": WHOLE, "sources": WHOLE, "cost": MONEY})
_customer: Schema = {"type": ["string", "null"], "description": "Shopify's id; null for a guest."}
_one: Schema = {"type": "array", "items": record({"account": ID, "customer": _customer, "draft": WHOLE, "live": WHOLE})}
_bound: Schema = {"type": ["integer", "null"]}
_comparison = record(
    {
        "in_words": IN_WORDS,
        "accounts": {**WHOLE, "description": "Accounts with orders or actions."},
        "orders": WHOLE,
        "draft": _side,
        "live": _side,
        "gained": {**_sum, "description": "Who would have had more."},
        "lost": {**_sum, "description": "Who would have had less."},
        "difference": record({"points": WHOLE, "cost": MONEY}),
        "spread": {
            "type": "array",
            "items": record({"from": _bound, "to": _bound, "accounts": WHOLE}),
            "description": "How many accounts would have had how much more (below zero: less).",
        },
        "gainers": _one,
        "losers": _one,
    },
    description="Null while it is being computed. Costs are what the points buy of the reward that gives most.",
)
_worth = record(
    {
        "points": WHOLE,
        "cost": MONEY,
        "accounts": WHOLE,
        "orders": WHOLE,
        "years": {"type": "array", "items": record({"year": WHOLE, "points": WHOLE, "cost": MONEY})},
        "gainers": _one,
    },
    description="Null while it is being computed.",
)


def _or_null(schema: Schema) -> Schema:
    return {**schema, "type": ["object", "null"]}


PROGRAM_COMPONENTS: dict[str, Schema] = {
    "Program": record(
        {
            "id": ID,
            "name": TEXT,
            "earns_from": {**INSTANT_OR_NULL, "description": "Null: since ever."},
            "ends_at": {**INSTANT_OR_NULL, "description": "Null: open."},
            "forgives_debts": {**FLAG, "description": "Whether points owed after a refund are written off."},
            "returns_spent": {**FLAG, "description": "Whether a refund gives the points of the order's reward back."},
            "return_days": {**WHOLE, "description": "How long returned points live at least."},
            "history": record(
                {
                    "chosen_at": {**INSTANT_OR_NULL, "description": "Null: imported orders earn nothing as yet."},
                    "from": {**INSTANT_OR_NULL, "description": "Null, once chosen: all of them count."},
                }
            ),
            "version": {"type": ["integer", "null"], "description": "In force now; null while nothing is earned."},
            "rules": _or_null(RULES),
            "in_words": IN_WORDS,
        }
    ),
    "RuleVersion": record(
        {
            "version": WHOLE,
            "in_force_from": {**INSTANT_OR_NULL, "description": "Null: since ever."},
            "rules": RULES,
            "in_words": IN_WORDS,
            "created_at": INSTANT,
        }
    ),
    "Reward": record(
        {
            "id": ID,
            "title": TEXT,
            "kind": {**TEXT, "description": "amount_off: `value` off an order."},
            "points": WHOLE,
            "value": MONEY,
            "active": {**FLAG, "description": "Whether it is offered."},
            "code_days": {**CODE_DAYS, "description": f"{CODE_DAYS['description']} Null: for ever."},
        }
    ),
    "Preview": record(
        {"id": ID, "state": {"type": "string", "enum": ["pending", "done"]}, "comparison": _or_null(_comparison)}
    ),
    "History": record(
        {
            "chosen_at": INSTANT_OR_NULL,
            "chosen_from": INSTANT_OR_NULL,
            "state": {"type": "string", "enum": ["pending", "done"]},
            "worth": _or_null(_worth),
        }
    ),
}
_value = record({"points": WHOLE, "buy": MONEY, "reward_id": ID})
_breakage = record({"share": TEXT, "lots": WHOLE, "expected_points": WHOLE})
PROGRAM_COMPONENTS |= {
    "Liability": record(
        {
            "at": INSTANT,
            "outstanding": {**WHOLE, "description": "Points that members hold."},
            "pending": {**WHOLE, "description": "Part of them that cannot be spent yet."},
            "owed": {**WHOLE, "description": "Points that members owe."},
            "accounts": {**WHOLE, "description": "How many hold points."},
            "forgiven": record({"points": WHOLE, "debts": WHOLE}),
            "money": {"anyOf": [MONEY, {"type": "null"}], "description": "All of them at the dearest reward."},
            "value": {**_or_null(_value), "description": "That reward; null without one."},
            "breakage": {
                **_or_null(_breakage),
                "description": "The share of past points that nobody spent; null with too little history.",
            },
        }
    ),
    "Schedule": record(
        {
            "data": {
                "type": "array",
                "items": record(
                    {"first_day": {**TEXT, "format": "date"}}
                    | dict.fromkeys(
                        ("issued", "taken_back", "redeemed", "returned", "expired", "forgiven", "owed", "outstanding"),
                        WHOLE,
                    )
                ),
            }
        }
    ),
}
PROGRAM_COMPONENTS |= {f"{name}Page": page_of(name) for name in ("Program", "RuleVersion", "Reward")}

_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 100, "pattern": ONE_LINE}
_PRICE: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST_PRICE}

PROGRAM_CHANGE: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "name": _NAME,
        "earns_from": INSTANT_OR_NULL,
        "ends_at": INSTANT_OR_NULL,
        "forgives_debts": FLAG,
        "returns_spent": FLAG,
        "return_days": {"type": "integer", "minimum": 0, "maximum": 3650},
    },
}
VERSION_REQUEST: Schema = {
    "type": "object",
    "required": ["rules"],
    "additionalProperties": False,
    "properties": {
        "rules": RULES,
        "in_force_from": {**INSTANT_OR_NULL, "description": "Now, unless it is given; never past."},
    },
}
PREVIEW_REQUEST: Schema = {
    "type": "object",
    "required": ["rules", "from", "until"],
    "additionalProperties": False,
    "properties": {
        "rules": RULES,
        "from": INSTANT,
        "until": {**INSTANT, "description": "Not part of the period."},
        "counting": {
            "type": "string",
            "enum": list(COUNTING),
            "default": "as_posted",
            "description": "as_posted: the program's start, end and choice about history hold for both sides; "
            "all_orders: they hold for neither.",
        },
    },
}
HISTORY_REQUEST: Schema = {
    "type": "object",
    "required": ["from"],
    "additionalProperties": False,
    "properties": {
        "from": {"type": ["string", "null"], "description": 'An instant, null for all orders, or "none".'},
    },
}
REWARD_REQUEST: Schema = {
    "type": "object",
    "required": ["title", "points", "value"],
    "additionalProperties": False,
    "properties": {
        "title": _NAME,
        "points": _PRICE,
        "value": {
            "type": "string",
            "pattern": r"^[0-9]{1,9}(\.[0-9]{1,3})?$",
            "description": "Decimal string in the shop's currency.",
        },
        "program_id": ID,
        "code_days": CODE_DAYS,
    },
}
REWARD_CHANGE: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"title": _NAME, "points": _PRICE, "active": FLAG, "code_days": CODE_DAYS},
}
