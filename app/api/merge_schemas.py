"""Shapes of merges, of offers to merge, and of imports."""

from app.api.shapes import ID, INSTANT, INSTANT_OR_NULL, TEXT, TEXT_OR_NULL, UUID_TEXT, WHOLE, Schema, page_of, record

_customers: Schema = {"type": "array", "items": ID, "description": "Shopify's ids, the smaller first."}
_basis: Schema = {"type": "array", "items": TEXT, "description": "What both have verified: email, phone."}
_import = {
    "id": UUID_TEXT,
    "state": {**TEXT, "description": "read, posting, done, undoing, undone."},
    "rows": WHOLE,
    "skipped": {**WHOLE, "description": "Rows that were left out because they were wrong."},
    "points": WHOLE,
    "actor": TEXT,
    "at": INSTANT,
    "done_at": INSTANT_OR_NULL,
    "undone_at": INSTANT_OR_NULL,
}
_kept = record({"line": WHOLE, "points": WHOLE, "account": ID})

MERGE_COMPONENTS: dict[str, Schema] = {
    "MergeOffer": record({"customers": _customers, "basis": _basis}),
    "Dismissal": record({"customers": _customers}),
    "Merge": record(
        {
            "id": ID,
            "kept": {**ID, "description": "The account that took over."},
            "absorbed": {**ID, "description": "The account that was taken over."},
            "cause": {**TEXT, "description": "shopify, address, staff."},
            "actor": TEXT_OR_NULL,
            "at": INSTANT,
            "undone_at": INSTANT_OR_NULL,
        }
    ),
    "Import": record(_import),
    "ImportDetails": record(
        _import
        | {"kept": {"type": "array", "items": _kept, "description": "What an undo could not take back: it was spent."}}
    ),
}
MERGE_COMPONENTS |= {f"{name}Page": page_of(name) for name in ("MergeOffer", "Merge", "Import")}


def pair(*names: str) -> Schema:
    """A request that names two customers."""
    properties = dict.fromkeys(names, ID)
    return {"type": "object", "required": list(names), "additionalProperties": False, "properties": properties}
