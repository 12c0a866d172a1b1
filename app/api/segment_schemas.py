"""Shapes of segments, of who is in them and why."""

from app.api.shapes import ID, INSTANT, TEXT, TEXT_OR_NULL, WHOLE, Schema, page_of, record, reference

_FLAG: Schema = {"type": "boolean"}
_ID_OR_NULL: Schema = {**TEXT_OR_NULL, "description": "Shopify's id of the customer; null: a guest."}
_COUNT: Schema = {"type": ["integer", "null"], "description": "Null: not counted yet, which takes seconds."}
_QUERY: Schema = {
    "type": "string",
    "maxLength": 5_000,
    "description": "In Shopify's segment query language, on the attributes that GET /segment-attributes lists.",
}
_VALUE: Schema = {
    "type": ["string", "integer", "boolean", "array", "null"],
    "description": "Days as 2026-01-31, amounts as decimal strings, lists as arrays.",
}
_reason = record(
    {
        "clause": {**TEXT, "description": "As it is written in the query."},
        "attribute": TEXT,
        "operator": TEXT,
        "bounds": {"type": "array", "description": "What it compares with; days counted from today as days."},
        "value": _VALUE,
        "holds": _FLAG,
    }
)
SEGMENT_COMPONENTS: dict[str, Schema] = {
    "Segment": record(
        {
            "id": ID,
            "key": {**TEXT_OR_NULL, "description": "Of one that every shop starts with: at_risk, lapsed …"},
            "name": TEXT,
            "query": _QUERY,
            "members": _COUNT,
            "created_at": INSTANT,
            "updated_at": INSTANT,
        }
    ),
    "SegmentMember": record({"account_id": ID, "customer_id": _ID_OR_NULL, "since": INSTANT}),
    "SegmentDay": record({"day": {**TEXT, "format": "date"}, "members": _COUNT, "entered": WHOLE, "left": WHOLE}),
    "SegmentTransition": record(
        {
            "number": {**WHOLE, "description": "Of the shop, in order, without gaps."},
            "segment_id": ID,
            "account_id": ID,
            "customer_id": _ID_OR_NULL,
            "what": {"type": "string", "enum": ["entered", "left"]},
            "at": INSTANT,
        }
    ),
    "SegmentPreview": record(
        {
            "members": WHOLE,
            "of": {**WHOLE, "description": "All customers and guests there are."},
            "sample": {
                "type": "array",
                "items": record({"account_id": ID, "customer_id": _ID_OR_NULL}),
            },
        }
    ),
    "SegmentMembership": record(
        {"segment": reference("Segment"), "since": INSTANT, "reasons": {"type": "array", "items": _reason}}
    ),
    "SegmentMembershipList": record({"data": {"type": "array", "items": reference("SegmentMembership")}}),
    "SegmentDayList": record({"data": {"type": "array", "items": reference("SegmentDay")}}),
    "SegmentAttribute": record(
        {
            "name": TEXT,
            "kind": {
                "type": "string",
                "enum": ["number", "money", "date", "word", "text", "list", "truth"],
            },
            "operators": {"type": "array", "items": TEXT},
            "words": {"type": "array", "items": TEXT, "description": "All values there are, of kind word."},
            "shopify": {**_FLAG, "description": "Whether Shopify has an attribute of this name."},
        }
    ),
    "SegmentAttributeList": record({"data": {"type": "array", "items": reference("SegmentAttribute")}}),
}
SEGMENT_COMPONENTS |= {f"{name}Page": page_of(name) for name in ("Segment", "SegmentMember", "SegmentTransition")}

_NAME: Schema = {"type": "string", "maxLength": 1_000, "pattern": r"^[^\u0000-\u001f\u007f]*$"}
SEGMENT_REQUEST: Schema = {
    "type": "object",
    "required": ["name", "query"],
    "additionalProperties": False,
    "properties": {"name": _NAME, "query": {"type": "string", "description": _QUERY["description"]}},
}
SEGMENT_CHANGE: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": SEGMENT_REQUEST["properties"],
}
SEGMENT_QUESTION: Schema = {
    "type": "object",
    "required": ["query"],
    "additionalProperties": False,
    "properties": {"query": SEGMENT_REQUEST["properties"]["query"]},
}
