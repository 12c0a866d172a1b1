"""Every operation of the API, once. Routes, request checks and the OpenAPI document all come from here."""

from app.api import customers, events, redemptions, schemas
from app.api.operation import Operation, Parameter
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
        "customer_id", "Shopify's id of the customer.", {"type": "string", "pattern": schemas.SHOPIFY_ID}
    ),
    "redemption_id": Parameter(
        "redemption_id", "As the redemption was answered.", {"type": "string", "pattern": schemas.UUID}
    ),
    "event_id": Parameter("event_id", "As GET /events gives it.", {"type": "string", "pattern": schemas.SHOPIFY_ID}),
}

OPERATIONS = (
    Operation(
        "GET",
        "/customers/{customer_id}",
        customers.get_customer,
        "Points, totals and consent of a customer",
        {200: "Customer"},
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/customers/{customer_id}/ledger",
        customers.list_ledger,
        "Every change of the customer's points, newest first",
        {200: "LedgerEntryPage"},
        query=PAGE,
        refusals=(404,),
    ),
    Operation(
        "POST",
        "/customers/{customer_id}/adjustments",
        customers.create_adjustment,
        "Add or take points by hand",
        {201: "Adjustment"},
        "Refused with 422 when the balance would fall below zero and `allow_negative` is not true.",
        body=schemas.ADJUSTMENT_REQUEST,
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/rewards",
        redemptions.list_rewards,
        "What points buy",
        {200: "RewardPage"},
        query=PAGE,
    ),
    Operation(
        "POST",
        "/customers/{customer_id}/redemptions",
        redemptions.create_redemption,
        "Exchange points for a reward",
        {201: "Redemption", 202: "Redemption"},
        "The points are held at once; the code is made at Shopify right after. 202: look again for `code`.",
        body=schemas.REDEMPTION_REQUEST,
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/customers/{customer_id}/redemptions",
        redemptions.list_redemptions,
        "The customer's redemptions, newest first",
        {200: "RedemptionPage"},
        query=PAGE,
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/customers/{customer_id}/redemptions/{redemption_id}",
        redemptions.get_redemption,
        "What became of a redemption",
        {200: "Redemption"},
        refusals=(404,),
    ),
    Operation(
        "DELETE",
        "/customers/{customer_id}/redemptions/{redemption_id}",
        redemptions.cancel_redemption,
        "Give an unused code back",
        {200: "Redemption", 202: "Redemption"},
        "The code is withdrawn at Shopify first; its points are back when `state` is cancelled.",
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/events",
        events.list_events,
        "What Shopify sent and what became of it, newest first; never bodies",
        {200: "EventPage"},
        query=(
            *PAGE,
            Parameter("state", "Only events in this state.", {"type": "string", "enum": schemas.EVENT_STATES}),
            Parameter(
                "topic", "Only events of this topic.", {"type": "string", "maxLength": 100, "pattern": "^[!-~]+$"}
            ),
        ),
    ),
    Operation(
        "POST",
        "/events/{event_id}/replay",
        events.replay_event,
        "Give a parked event another try",
        {202: "Event"},
        refusals=(404,),
    ),
)
