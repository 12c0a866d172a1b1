"""Shapes of popups and of what they offer."""

from app.api.shapes import ID, INSTANT, INSTANT_OR_NULL, ONE_LINE, TEXT, WHOLE, Schema, page_of, record, reference

_FLAG: Schema = {"type": "boolean"}
_DEFINITION: Schema = {
    "type": "object",
    "description": "`trigger`: exit, invited, form (true), delay, idle (seconds), scroll (percent). `target`: pages,"
    " devices, languages, countries, visitors, paths, cart_from, cart_to (minor units). `frequency`: days, times."
    " `teaser`. `look`: accent. `texts` by language: title, body, button, consent, thanks, teaser, as plain text.",
}
_KIND: Schema = {"type": "string", "enum": ["amount_off", "percent_off"]}
_DECIMAL: Schema = {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,3})?$"}
_statistics = record(
    {
        "views": {**WHOLE, "description": "As far as browsers told."},
        "closes": {**WHOLE, "description": "Of the views, those closed without a sign-up."},
        "sign_ups": WHOLE,
        "codes_used": WHOLE,
        "revenue": {
            **reference("Money"),
            "description": "What orders with its codes come to, after refunds, without cancelled and test orders.",
        },
    }
)
_offer = record(
    {
        "title": TEXT,
        "kind": _KIND,
        "value": {**TEXT, "description": "Units of the shop's currency, or per cent."},
        "minimum": reference("Money"),
        "combines": _FLAG,
        "ends_at": INSTANT_OR_NULL,
        "state": {**TEXT, "description": "planned, ready, failed: of its codes at Shopify."},
        "free_codes": WHOLE,
    }
)
POPUP_COMPONENTS: dict[str, Schema] = {
    "Popup": record(
        {
            "id": ID,
            "name": TEXT,
            "active": _FLAG,
            "definition": _DEFINITION,
            "offer": _offer,
            "statistics": _statistics,
            "created_at": INSTANT,
            "updated_at": INSTANT,
        }
    )
}
POPUP_COMPONENTS |= {"PopupPage": page_of("Popup")}

_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 100, "pattern": ONE_LINE}
POPUP_REQUEST: Schema = {
    "type": "object",
    "required": ["name", "definition", "offer"],
    "additionalProperties": False,
    "properties": {
        "name": _NAME,
        "definition": _DEFINITION,
        "offer": {
            "type": "object",
            "required": ["title", "kind", "value"],
            "additionalProperties": False,
            "properties": {
                "title": _NAME,
                "kind": _KIND,
                "value": {**_DECIMAL, "description": "Units of the shop's currency, or per cent."},
                "minimum": {**_DECIMAL, "description": "Of the cart, in the shop's currency."},
                "combines": {**_FLAG, "default": False, "description": "With other codes and discounts."},
                "ends_at": INSTANT_OR_NULL,
            },
        },
    },
}
POPUP_CHANGE: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"name": _NAME, "definition": _DEFINITION, "active": _FLAG},
}
