"""The limit of benchmarks.webhook_door: our web process as it is, but nothing is written. Never part of a product.

It verifies, reads, compresses and seals like the real one, and then answers at once. Started as
`python -m app.child benchmarks.door_without_commit`.
"""

import os

from app import runtime
from app.config import load_settings
from app.factory import Server
from app.web import address, listen, load_application
from webhooks.headers import Delivery
from webhooks.inbox import Inbox, Outcome


class Forgetful(Inbox):
    """An inbox that promises and does not keep."""

    async def put(self, delivery: Delivery, raw: bytes) -> Outcome:
        await self._seal(delivery, raw)
        return Outcome.STORED


def load() -> Server:
    """The application with the forgetful inbox."""
    server = load_application()
    own = runtime.of(server.flask_app)
    server.door.inbox = Forgetful(own.database, own.keyring)
    return server


def main() -> None:
    """Serve until SIGTERM."""
    settings = load_settings(os.environ)
    listen(load, settings.port, address(settings))
