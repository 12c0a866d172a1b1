"""Parameters that several operations share: those of pages, and those of paths by name."""

from app.api import shapes
from app.api.operation import Parameter
from app.api.pages import DEFAULT_LIMIT, LARGEST_LIMIT

PAGE = (
    Parameter("cursor", "`next` of the page before.", {"type": "string", "maxLength": 300}),
    Parameter(
        "limit",
        "How many rows at most.",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT},
    ),
)
# Path parameters by name, the same wherever they stand.
PATH: dict[str, Parameter] = {
    "customer_id": Parameter(
        "customer_id", "Shopify's id of the customer.", {"type": "string", "pattern": shapes.SHOPIFY_ID}
    ),
    "redemption_id": Parameter(
        "redemption_id", "As the redemption was answered.", {"type": "string", "pattern": shapes.UUID}
    ),
    "program_id": Parameter(
        "program_id", "As GET /programs gives it.", {"type": "string", "pattern": shapes.SHOPIFY_ID}
    ),
    "preview_id": Parameter(
        "preview_id", "As the preview was answered.", {"type": "string", "pattern": shapes.SHOPIFY_ID}
    ),
    "reward_id": Parameter("reward_id", "As GET /rewards gives it.", {"type": "string", "pattern": shapes.SHOPIFY_ID}),
    "popup_id": Parameter("popup_id", "As GET /popups gives it.", {"type": "string", "pattern": shapes.SHOPIFY_ID}),
    "segment_id": Parameter(
        "segment_id", "As GET /segments gives it.", {"type": "string", "pattern": shapes.SHOPIFY_ID}
    ),
    "merge_id": Parameter("merge_id", "As GET /merges gives it.", {"type": "string", "pattern": shapes.SHOPIFY_ID}),
    "import_id": Parameter("import_id", "As GET /imports gives it.", {"type": "string", "pattern": shapes.UUID}),
    "event_id": Parameter("event_id", "As GET /events gives it.", {"type": "string", "pattern": shapes.SHOPIFY_ID}),
}
