"""The limit of benchmarks.proxy: our web process and its storefront door as they are, with no database behind them.

It verifies the signature, counts against the limits, reads and checks the body, and answers at once. Never part of a
product. Started as `python -m app.child benchmarks.proxy_without_database`.
"""

import os

from app import runtime
from app.config import load_settings
from app.factory import Server
from app.popups.sign_up import LATER, Answer, Wish
from app.storefront.together import SignUps
from app.web import address, listen, load_application


class Careless(SignUps):
    """Thanks everybody and writes nothing down."""

    async def sign_up(self, shop_id: int, wish: Wish) -> Answer:
        return Answer(LATER)


def load() -> Server:
    """The application with careless sign-ups."""
    server = load_application()
    server.sign_ups.sign_ups = Careless(runtime.of(server.flask_app))
    return server


def main() -> None:
    """Serve until SIGTERM."""
    settings = load_settings(os.environ)
    listen(load, settings.port, address(settings))
