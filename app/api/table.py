"""Every operation of the API, once. Routes, request checks and the OpenAPI document all come from here."""

from app.api import actions, audit, customers, events, redemptions, schemas, standing
from app.api.action_schemas import ACTION_REQUEST, BIRTHDAY_REQUEST
from app.api.merge_table import MERGE_OPERATIONS
from app.api.operation import Operation, Parameter
from app.api.parameters import PAGE, PATH
from app.api.popup_table import POPUP_OPERATIONS
from app.api.program_table import PROGRAM_OPERATIONS
from app.api.referral_table import REFERRAL_OPERATIONS
from app.api.segment_table import SEGMENT_OPERATIONS
from app.api.storefront import STOREFRONT_OPERATIONS

__all__ = ["OPERATIONS", "PATH"]

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
        "GET",
        "/customers/{customer_id}/lots",
        standing.list_lots,
        "The points that a customer holds, by what gave them",
        {200: "LotPage"},
        "Those that end soonest are spent first.",
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
        "POST",
        "/customers/{customer_id}/actions",
        actions.create_action,
        "Report something a customer did besides ordering",
        {201: "Action", 200: "Action"},
        "An action is recorded once: the same `kind` and `key` again changes nothing and is answered with 200. What it "
        "is worth, the rules of its instant say; one that no rule knows is kept and worth nothing.",
        body=ACTION_REQUEST,
        refusals=(404,),
    ),
    Operation(
        "PUT",
        "/customers/{customer_id}/birthday",
        actions.put_birthday,
        "Keep or forget a customer's birthday",
        {200: "Birthday"},
        "Points for it come at midnight of the shop's zone. Moving it brings nothing: one birthday a calendar year, "
        "and none within 300 days of the last. Who was born on 29 February has it on the 28th in other years.",
        body=BIRTHDAY_REQUEST,
        refusals=(404,),
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
    Operation(
        "POST",
        "/events/{event_id}/dismiss",
        events.dismiss_event,
        "Let nothing be made of a parked event, for good",
        {200: "Event"},
        body=schemas.DISMISSAL_REQUEST,
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/audit",
        audit.list_audit,
        "Who changed what, newest first",
        {200: "AuditEntryPage"},
        query=(
            *PAGE,
            Parameter("actor", "Only what this one did: key:4, staff:81.", {"type": "string", "maxLength": 100}),
            Parameter("what", "Only this: program.changed …", {"type": "string", "maxLength": 100}),
        ),
    ),
    *PROGRAM_OPERATIONS,
    *MERGE_OPERATIONS,
    *POPUP_OPERATIONS,
    *SEGMENT_OPERATIONS,
    *STOREFRONT_OPERATIONS,
    *REFERRAL_OPERATIONS,
)
