"""Everything that can happen in a shop, as verbs: `Commerce(state, shop, outbox)`, one mixin a noun.

Used by the control plane, the GraphQL mutations and the history. All instants are explicit, money is decimal strings
in the shop's currency, and each verb leaves its webhooks in the outbox.
"""

from dev_store.commerce.cancellations import CancellationVerbs
from dev_store.commerce.customers import CustomerVerbs
from dev_store.commerce.discount_codes import DiscountVerbs
from dev_store.commerce.edits import EditVerbs
from dev_store.commerce.order_documents import OrderLine
from dev_store.commerce.privacy import PrivacyVerbs
from dev_store.commerce.products import ProductVerbs
from dev_store.commerce.settings import SettingsVerbs
from dev_store.commerce.shops import open_shop
from dev_store.commerce.verbs import VERBS
from dev_store.refusals import CheckoutRefused, RefusalError, Unknown

__all__ = ["VERBS", "CheckoutRefused", "Commerce", "OrderLine", "RefusalError", "Unknown", "open_shop"]


class Commerce(ProductVerbs, DiscountVerbs, CustomerVerbs, PrivacyVerbs, EditVerbs, CancellationVerbs, SettingsVerbs):
    """The verbs of one shop."""
