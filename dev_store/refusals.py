"""What the shop may answer instead of doing a verb; the control plane turns these into 404 and 422."""


class RefusalError(Exception):
    """The shop's rules forbid the verb; the message says which and why."""


class Unknown(RefusalError):
    """The verb names a shop, customer, order or line that does not exist."""


class CheckoutRefused(RefusalError):
    """A discount code may not be used on this cart. `reason` is one of the constants of `dev_store.discounts`."""

    def __init__(self, code: str, reason: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.reason = reason
