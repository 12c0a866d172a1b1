"""The limit of benchmarks.webhook_door: our web process as it is, but nothing is written. Never part of a product.

It verifies, reads, compresses and seals like the real one, and then answers at once. Started as
`python -m app.child benchmarks.door_without_commit`.
"""

import os

from flask import Flask

from app import runtime
from app.config import load_settings
from app.web import Wsgi, address, listen, load_application
from webhooks.body import seal_body
from webhooks.headers import Delivery
from webhooks.inbox import Inbox, Outcome
from webhooks.routes import EXTENSION


class Forgetful(Inbox):
    """An inbox that promises and does not keep."""

    def put(self, delivery: Delivery, raw: bytes, timeout: float = 4.5) -> Outcome:
        seal_body(self._keyring, delivery.shop_domain, delivery.topic, delivery.webhook_id, raw)
        return Outcome.STORED


def load() -> Wsgi:
    """The application with the forgetful inbox."""
    application = load_application()
    assert isinstance(application, Flask)
    own = runtime.of(application)
    application.extensions[EXTENSION] = Forgetful(own.database, own.keyring)
    return application


def main() -> None:
    """Serve until SIGTERM."""
    settings = load_settings(os.environ)
    listen(load, settings.port, address(settings))
