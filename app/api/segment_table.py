"""The operations about segments; `table.py` joins them to the others."""

from app.api import segments
from app.api.operation import Operation, Parameter
from app.api.parameters import PAGE
from app.api.segment_schemas import SEGMENT_CHANGE, SEGMENT_QUESTION, SEGMENT_REQUEST
from app.api.shapes import SHOPIFY_ID

SEGMENT_OPERATIONS = (
    Operation("GET", "/segments", segments.list_segments, "The shop's segments", {200: "SegmentPage"}, query=PAGE),
    Operation(
        "POST",
        "/segments",
        segments.create_segment,
        "Define a segment by a query",
        {201: "Segment"},
        "A query that cannot be read is refused with line (from 1) and column (from 0), in Shopify's words. Who fits "
        "is in the segment some seconds later, and has not entered it by that.",
        body=SEGMENT_REQUEST,
    ),
    Operation(
        "GET",
        "/segments/{segment_id}",
        segments.get_segment,
        "A segment",
        {200: "Segment"},
        refusals=(404,),
    ),
    Operation(
        "PATCH",
        "/segments/{segment_id}",
        segments.change_segment,
        "Rename a segment, or give it another query",
        {200: "Segment"},
        "With another query those who fit it are in it, and nobody has entered or left by that.",
        body=SEGMENT_CHANGE,
        refusals=(404,),
    ),
    Operation(
        "DELETE",
        "/segments/{segment_id}",
        segments.delete_segment,
        "Remove a segment",
        {200: "Segment"},
        "Its transitions stay in the list of the shop.",
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/segments/{segment_id}/members",
        segments.list_segment_members,
        "Who is in a segment",
        {200: "SegmentMemberPage"},
        query=PAGE,
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/segments/{segment_id}/days",
        segments.list_segment_days,
        "How many were in a segment on the last days, and who came and went",
        {200: "SegmentDayList"},
        query=(
            Parameter(
                "days", "How many, up to today.", {"type": "integer", "minimum": 1, "maximum": 366, "default": 30}
            ),
        ),
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/segment-transitions",
        segments.list_segment_transitions,
        "Who entered and left segments, oldest first",
        {200: "SegmentTransitionPage"},
        "Numbers follow each other without gaps, so whoever has read up to one goes on with `after`.",
        query=(
            *PAGE,
            Parameter("after", "Only those with a greater number.", {"type": "integer", "minimum": 0}),
            Parameter("segment_id", "Only of this segment.", {"type": "string", "pattern": SHOPIFY_ID}),
        ),
    ),
    Operation(
        "POST",
        "/segment-previews",
        segments.preview_segment,
        "How many a query would find now, and some of them",
        {200: "SegmentPreview"},
        body=SEGMENT_QUESTION,
    ),
    Operation(
        "GET",
        "/segment-attributes",
        segments.list_segment_attributes,
        "What a query may name",
        {200: "SegmentAttributeList"},
    ),
    Operation(
        "GET",
        "/customers/{customer_id}/segments",
        segments.list_customer_segments,
        "The segments that a customer is in, and why",
        {200: "SegmentMembershipList"},
        refusals=(404,),
    ),
)
