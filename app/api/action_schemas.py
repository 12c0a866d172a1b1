"""Shapes of actions, birthdays and the audit log."""

from app.api.shapes import ID, INSTANT, INSTANT_OR_NULL, TEXT, TEXT_OR_NULL, WHOLE, Schema, page_of, record

KIND = "^[A-Za-z0-9_]{1,50}$"
KEY = "^[!-~]{1,200}$"

ACTION_COMPONENTS: dict[str, Schema] = {
    "Action": record(
        {
            "kind": TEXT,
            "key": TEXT,
            "at": INSTANT,
            "points": {**WHOLE, "description": "What it brings."},
            "why": {
                "type": ["string", "null"],
                "enum": ["not_running", "no_rule", "limit", None],
                "description": "Why not more: the program does not run at that instant, no rule knows it, a limit.",
            },
            "limits": {
                "type": "array",
                "items": TEXT,
                "description": "Of the action's rule: per_day, per_year, per_account; of all earning: day, account.",
            },
            "explanation": TEXT_OR_NULL,
        }
    ),
    "Birthday": record({"id": ID, "birthday": {"type": ["string", "null"], "format": "date"}}),
    "AuditEntry": record(
        {
            "id": ID,
            "at": INSTANT,
            "actor": {**TEXT, "description": "key:4, staff:81, command line: name."},
            "what": {**TEXT, "description": "noun.verb, such as program.changed."},
            "subject": {**TEXT, "description": "kind:id, such as reward:3."},
            "before": {"type": ["object", "null"]},
            "after": {"type": ["object", "null"]},
        }
    ),
}
ACTION_COMPONENTS |= {"AuditEntryPage": page_of("AuditEntry")}

ACTION_REQUEST: Schema = {
    "type": "object",
    "required": ["kind", "key"],
    "additionalProperties": False,
    "properties": {
        "kind": {
            "type": "string",
            "pattern": KIND,
            "description": "sign_up, newsletter, review, social_share, or a name of your own.",
        },
        "key": {
            "type": "string",
            "pattern": KEY,
            "description": "Yours, unique within the kind. It stays in the ledger and must not tell who somebody is.",
        },
        "at": {**INSTANT_OR_NULL, "description": "When it happened; now, unless it is given."},
    },
}
BIRTHDAY_REQUEST: Schema = {
    "type": "object",
    "required": ["birthday"],
    "additionalProperties": False,
    "properties": {
        "birthday": {
            "type": ["string", "null"],
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
            "description": "Year, month and day; null forgets it.",
        }
    },
}
