"""Rows that tests need, made through the product's own services wherever there is one."""

from app import clock
from app.loyalty import programs
from app.runtime import Runtime
from app.shops.models import Shop
from app.shops.secrets import seal

CODE_KEY = b"c" * 32


def make_shop(runtime: Runtime, domain: str = "demo.myshopify.com", currency: str = "USD") -> Shop:
    """An installed shop with the default program; its code key is CODE_KEY."""
    now = clock.now()
    with runtime.database.system() as session:
        shop = Shop(
            domain=domain,
            name="Demo",
            currency=currency,
            timezone="Europe/Berlin",
            state="installed",
            connection="ok",
            scopes="read_orders",
            code_key=b"",
            installed_at=now,
            created_at=now,
        )
        session.add(shop)
        session.flush()
        shop.code_key = seal(runtime.keyring, shop.id, "code_key", CODE_KEY)
        programs.create_default(session, shop)
    return shop
