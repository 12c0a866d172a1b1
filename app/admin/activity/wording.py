"""What Shopify's messages are about, in the merchant's words, by their topic."""

from app.admin.texts import lazy_gettext as _l

TOPICS = {
    "app/scopes_update": _l("Permissions changed"),
    "app/uninstalled": _l("App removed"),
    "bulk_operations/finish": _l("Export finished"),
    "collections/delete": _l("Collection deleted"),
    "collections/update": _l("Collection changed"),
    "customer.tags_added": _l("Customer tagged"),
    "customer.tags_removed": _l("Tag taken off a customer"),
    "customers/create": _l("New customer"),
    "customers/data_request": _l("Customer asks for data"),
    "customers/delete": _l("Customer deleted"),
    "customers/merge": _l("Customers merged"),
    "customers/redact": _l("Customer to be erased"),
    "customers/update": _l("Customer changed"),
    "customers_email_marketing_consent/update": _l("Consent to e-mail"),
    "customers_marketing_consent/update": _l("Consent to SMS"),
    "orders/cancelled": _l("Order cancelled"),
    "orders/create": _l("New order"),
    "orders/delete": _l("Order deleted"),
    "orders/edited": _l("Order edited"),
    "orders/paid": _l("Order paid"),
    "orders/updated": _l("Order changed"),
    "products/create": _l("New product"),
    "products/delete": _l("Product deleted"),
    "products/update": _l("Product changed"),
    "refunds/create": _l("Refund"),
    "shop/redact": _l("Shop to be erased"),
    "shop/update": _l("Shop settings changed"),
}


def topic_in_words(topic: str) -> str:
    """What a message of this topic tells; a topic without words is shown as it is."""
    return str(TOPICS.get(topic, topic))
