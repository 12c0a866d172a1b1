"""Buying what is in the cart: the visitor's lines, codes and attributes become an order of the shop."""

from dev_store.commerce import CheckoutRefused, Commerce, OrderLine, RefusalError
from dev_store.state import Document
from dev_store.storefront.shopping import Shopping


def place(commerce: Commerce, here: Shopping, email: str | None) -> int | str:
    """The order's id, or in words why there is none. Every code that was entered must work, or be taken out."""
    cart, visitor = here.cart(email), here.visitor
    if not cart.items:
        return "Your cart is empty."
    customer = visitor.customer
    if customer is None and not (email and "@" in email):
        return "Enter your e-mail address."
    known = here.state.find(commerce.shop, "customer", "email", email.lower()) if email and customer is None else []
    buyer = customer or (known[0] if known else None)
    lines = [
        OrderLine(
            title=item.title,
            sku=item.variant["sku"],
            quantity=item.quantity,
            price=item.variant["price"],
            product_id=item.product["id"],
            variant_id=item.variant["id"],
        )
        for item in cart.items
    ]
    try:
        # One transaction: who is refused does not become a customer.
        with here.state.transaction():
            order_id = _place(commerce, here, buyer, email, lines)
    except CheckoutRefused as reason:
        return f"The code {reason.code} cannot be used: {reason}."
    except RefusalError as reason:
        return f"The order cannot be placed: {reason}."
    visitor.document |= {"lines": {}, "codes": [], "attributes": {}, "last_order": order_id}
    visitor.save()
    return order_id


def _place(
    commerce: Commerce, here: Shopping, buyer: Document | None, email: str | None, lines: list[OrderLine]
) -> int:
    visitor = here.visitor
    return commerce.place_order(
        at=here.at,
        lines=lines,
        customer_id=buyer["id"] if buyer else commerce.create_customer(at=here.at, email=email),
        email=email,
        discount_codes=visitor.codes,
        note_attributes=[{"name": key, "value": value} for key, value in visitor.document["attributes"].items()],
        landing_site=visitor.document["landing_site"],
    )
