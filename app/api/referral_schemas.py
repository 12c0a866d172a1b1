"""Shapes of referrals. What they are worth is part of the rules (`referral`), which the programs' operations show."""

from app.api.shapes import ID, INSTANT, INSTANT_OR_NULL, TEXT, TEXT_OR_NULL, WHOLE, Schema, page_of, record, reference
from app.referrals import judging, queries

STATE: Schema = {"type": "string", "enum": list(queries.STATES)}
_customer: Schema = {"type": ["string", "null"], "description": "Shopify's id; null for a guest."}
_side = record({"account": ID, "customer": _customer, "points": WHOLE})
REFERRAL_COMPONENTS: dict[str, Schema] = {
    "Referral": record(
        {
            "order": record({"id": ID, "name": TEXT_OR_NULL, "total": reference("Money"), "placed_at": INSTANT}),
            "code": TEXT,
            "matched_by": {
                **TEXT,
                "description": "code: one that was given with the link; attribute: of the cart; landing: the first "
                "page; journey: as Shopify saw the visits.",
            },
            "state": STATE,
            "reason": {
                **TEXT_OR_NULL,
                "description": f"Of a refusal: {', '.join(judging.REASONS)}, {queries.NO_REWARD}; of a reversal: "
                f"cancelled, deleted, refunded; {queries.UNPAID} of one that waits for its payment.",
            },
            "advocate": _side,
            "friend": _side,
            "available_at": {**INSTANT_OR_NULL, "description": "From when on both can spend the points."},
        }
    ),
    "ReferralStatistics": record(
        {
            "links": {**WHOLE, "description": "Members who have one."},
            "links_used": {**WHOLE, "description": "Links through which somebody signed up or ordered."},
            "sign_ups": WHOLE,
            "orders": record(dict.fromkeys(queries.STATES, WHOLE)),
            "refused": {
                "type": "object",
                "additionalProperties": WHOLE,
                "description": "How many, by reason.",
            },
            "revenue": {**reference("Money"), "description": "Of orders that are rewarded or wait, after refunds."},
            "points": record({"advocates": WHOLE, "friends": WHOLE}),
        }
    ),
}
REFERRAL_COMPONENTS |= {"ReferralPage": page_of("Referral")}
LINK: Schema = {
    **record({"code": TEXT, "link": TEXT}),
    "type": ["object", "null"],
    "description": "The customer's link for friends; null where bringing friends is not rewarded.",
}
