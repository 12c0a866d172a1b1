"""The web application: every door there is, put together. Called by the web process and by tests.

`create_app` is the whole as Flask knows it. The web process serves it by `Server`, where webhooks and sign-ups pass
Flask by.
"""

from __future__ import annotations

import asyncio
import secrets

import structlog
from flask import Flask, g, request
from werkzeug.wrappers import Response

from app import health, job_table, runtime
from app.admin import texts
from app.admin.popups.routes import blueprint as popup_preview
from app.admin.routes import blueprint as admin
from app.api import inbox as api_inbox
from app.api.routes import blueprint as api
from app.bridge import Bridge, Exchange, Scope
from app.runtime import Runtime
from app.shops.routes import blueprint as shops
from app.storefront.door import SignUpDoor
from app.storefront.routes import PREFIX, SIGN_UP, SIGN_UPS
from app.storefront.routes import blueprint as storefront
from webhooks import log as inbox_log
from webhooks.door import Door
from webhooks.inbox import Inbox
from webhooks.routes import EXTENSION as DOORWAY
from webhooks.routes import PATH, Doorway


def create_app(given: Runtime) -> Flask:
    """The application on this runtime. It serves no static files of its own but the admin's."""
    job_table.load()
    flask_app = Flask(__name__, static_folder=None)
    flask_app.extensions[runtime.EXTENSION] = given
    doorway = Doorway(Door(Inbox(given.database, given.keyring), given.settings.webhook_secrets))
    flask_app.extensions[DOORWAY] = doorway
    flask_app.extensions[api_inbox.EXTENSION] = inbox_log
    texts.use(flask_app)
    flask_app.before_request(_name_request)
    flask_app.after_request(_protect)
    for blueprint in (health.blueprint, shops, admin, popup_preview, api, storefront, doorway.blueprint()):
        flask_app.register_blueprint(blueprint)
    return flask_app


class Server:
    """What the web process serves: webhooks and sign-ups on its event loop, everything else by Flask on threads."""

    def __init__(self, flask_app: Flask, threads: int) -> None:
        self.flask_app = flask_app
        self.door: Door = flask_app.extensions[DOORWAY].door
        self.sign_ups: SignUpDoor = flask_app.extensions[SIGN_UPS]
        self._bridge = Bridge(flask_app, threads)

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """One request."""
        if scope.method == "POST" and scope.path == PATH:
            answer = await self.door.answer(scope.headers, exchange)
            exchange.response_empty(answer.status, answer.headers)
        elif scope.method == "POST" and scope.path == PREFIX + SIGN_UP:
            forwarded_for = scope.headers.get("x-forwarded-for") or ""
            exchange.response_bytes(*await self.sign_ups.answer(scope.query_string, forwarded_for, exchange))
        else:
            await self._bridge.__rsgi__(scope, exchange)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """The server has stopped; whatever was begun is made durable all the same."""
        loop.run_until_complete(self.door.inbox.close())
        self.sign_ups.sign_ups.close()
        self._bridge.__rsgi_del__(loop)


def _name_request() -> None:
    """Give the request an id of our own for its log lines; a caller's id is not trusted to be one."""
    structlog.contextvars.bind_contextvars(request=secrets.token_hex(8), path=request.path)
    g.pop("shop_id", None)


def _protect(response: Response) -> Response:
    """Headers that suit every answer; pages set their own frame-ancestors."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    structlog.contextvars.unbind_contextvars("request", "path")
    return response
