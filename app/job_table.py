"""All modules that register jobs, loaded where jobs are run or planned by name."""

from importlib import import_module

MODULES = (
    "app.admin.figures.jobs",
    "app.api.jobs",
    "app.customers.figure_reading",
    "app.customers.looking",
    "app.discounts.jobs",
    "app.discounts.pools.jobs",
    "app.intake.nightly",
    "app.intake.running",
    "app.loyalty.seals",
    "app.loyalty.expiry",
    "app.loyalty.notices",
    "app.loyalty.birthdays",
    "app.loyalty.questions",
    "app.loyalty.settlement",
    "app.orders.reread",
    "app.popups.jobs",
    "app.products.reading",
    "app.segments.jobs",
    "app.referrals.jobs",
    "app.shops.describing",
    "app.shops.erased_addresses",
    "app.shops.jobs",
    "app.storefront.jobs",
    "webhooks.care",
    "webhooks.privacy",
)


def load() -> None:
    """Import every module of the table; each registers its jobs."""
    for name in MODULES:
        import_module(name)
