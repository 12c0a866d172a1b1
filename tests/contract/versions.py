"""Where the recordings' versions (2025-01, 2026-04) and the served 2026-10 differ, all in one place.

A step whose text 2026-10 refuses as a document is listed as not asked, never as a disagreement.
"""

from typing import Any

SERVED = "2026-10"

# (what was recorded, what 2026-10 says instead)
DIFFERENCES = (
    ("GiftCardCreateInput.initialValue is required (2026-04)", "initialAmount replaces it, initialValue is deprecated"),
    ("GiftCardCreateInput has no initialAmount (2026-04)", "it has; the recorded 'Field is not defined' is gone"),
    ("Order has no cartToken and checkoutToken (2026-04)", "both are there since 2026-07"),
    ("Customer.email, .phone, .emailMarketingConsent (2025-01)", "deprecated, still answered"),
    ("CustomerPhoneNumber.marketingState … (2026-04)", "deprecated in favour of smsMarketingConsent, still answered"),
    ("DiscountCodeBasicInput.customerSelection (2025-01)", "deprecated in favour of context, still accepted"),
)

_STATIC = frozenset(
    {"undefinedField", "argumentNotAccepted", "undefinedType", "missingRequiredArguments", "selectionMismatch"}
)


def not_in_served_version(errors: list[dict[str, Any]] | None) -> list[str]:
    """Messages of static errors: the recorded text asks for something 2026-10 no longer has."""
    return [error["message"] for error in errors or [] if (error.get("extensions") or {}).get("code") in _STATIC]
