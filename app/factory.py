"""The web application: every door there is, put together. Called by the web process and by tests."""

import secrets

import structlog
from flask import Flask, g, request
from werkzeug.wrappers import Response

from app import health, job_table, runtime
from app.admin.routes import blueprint as admin
from app.api import inbox as api_inbox
from app.api.routes import blueprint as api
from app.runtime import Runtime
from app.shops.routes import blueprint as shops
from webhooks import log as inbox_log
from webhooks.inbox import Inbox
from webhooks.routes import EXTENSION as INBOX
from webhooks.routes import Door


def create_app(given: Runtime) -> Flask:
    """The application on this runtime. It serves no static files of its own but the admin's."""
    job_table.load()
    flask_app = Flask(__name__, static_folder=None)
    flask_app.extensions[runtime.EXTENSION] = given
    flask_app.extensions[INBOX] = Inbox(given.database, given.keyring)
    flask_app.extensions[api_inbox.EXTENSION] = inbox_log
    flask_app.before_request(_name_request)
    flask_app.after_request(_protect)
    for blueprint in (health.blueprint, shops, admin, api):
        flask_app.register_blueprint(blueprint)
    flask_app.wsgi_app = Door(flask_app)  # type: ignore[method-assign]  # Flask's documented place for middleware
    return flask_app


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
