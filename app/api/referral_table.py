"""The operations about referrals; `table.py` joins them to the others."""

from app.api import referrals
from app.api.operation import Operation, Parameter
from app.api.parameters import PAGE
from app.api.referral_schemas import STATE
from app.api.shapes import SHOPIFY_ID

REFERRAL_OPERATIONS = (
    Operation(
        "GET",
        "/referrals",
        referrals.list_referrals,
        "Orders of friends whom members have brought, newest first",
        {200: "ReferralPage"},
        "What is rewarded, and when it can be spent, is part of the program's rules: `referral`.",
        query=(
            *PAGE,
            Parameter("state", "Only referrals in this state.", STATE),
            Parameter(
                "advocate", "Only those of this customer (Shopify's id).", {"type": "string", "pattern": SHOPIFY_ID}
            ),
        ),
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/referrals/statistics",
        referrals.get_referral_statistics,
        "What came of members' links",
        {200: "ReferralStatistics"},
    ),
)
