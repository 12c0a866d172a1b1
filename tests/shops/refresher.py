"""A process that needs a token, again and again, to be killed. Its arguments: home, database, Shopify's
origin, our key and secret at it, shop.

Between Shopify's answer and our commit it says a line and waits until nobody tells it anything any more.
"""

import sys
from datetime import datetime
from pathlib import Path

from app.config import Settings
from app.crypto import KeyRing
from app.db import Database
from app.runtime import Runtime
from app.shopify.oauth import Tokens
from app.shops import tokens


def main() -> None:
    """Refresh at a line of input, and say `answered` while the answer is only in memory."""
    home, database, origin, key, secret, shop_id = sys.argv[1:]
    settings = Settings(
        home=Path(home),
        database_url=database,
        encryption_keys=(b"k" * 32,),
        api_key=key,
        api_secret=secret,
        dev=True,
        shopify_origin=f"{origin}/{{shop}}",
    )
    runtime = Runtime(settings, Database(database), KeyRing(settings.encryption_keys))
    settle = tokens._settle

    def slowly(runtime: Runtime, shop_id: int, lease: datetime, tokens: Tokens | None) -> None:
        if tokens is not None:
            _say("answered")
            sys.stdin.read()
        settle(runtime, shop_id, lease, tokens)

    tokens._settle = slowly
    _say("ready")
    sys.stdin.readline()
    tokens.access(runtime, int(shop_id))


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
