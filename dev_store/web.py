"""Builds the development store's web application: OAuth, Admin GraphQL and the control plane on one port.

Called by `__main__` and by tests. Starting the webhook senders is the caller's business (`store.delivery.start()`), so
that a test can hold the queue still.
"""

from flask import Flask, abort, request

from dev_store import admin, control, faults, graphql, oauth, storefront
from dev_store.bulk import routes as bulk
from dev_store.clock import Clock
from dev_store.config import LOOPBACK, Config
from dev_store.state import State
from dev_store.store import DevStore
from dev_store.webhooks.delivery import Delivery


def create_store(config: Config) -> DevStore:
    """Opens the state under the config's home (None: in memory)."""
    if config.home:
        config.home.mkdir(parents=True, exist_ok=True)
    state = State(config.database)
    clock = Clock(state)
    return DevStore(config, state, clock, Delivery(state, config), faults.Faults())


def _same_machine() -> None:
    """A page on the internet must not reach the store through a name of its own that points here (DNS rebinding)."""
    if request.host.rpartition(":")[0].strip("[]") not in LOOPBACK and request.host not in LOOPBACK:
        abort(403, "the development store answers to this machine only")


def create_app(config: Config) -> Flask:
    store = create_store(config)
    app = Flask("dev_store")
    app.json.sort_keys = False  # type: ignore[attr-defined]  # documents keep Shopify's order of fields
    app.extensions["dev_store"] = store
    app.before_request(_same_machine)
    app.url_map.converters["myshopify"] = storefront.ShopDomain
    doors = (oauth.blueprint, graphql.blueprint, faults.blueprint, control.blueprint, bulk.blueprint)
    for blueprint in (*doors, *admin.blueprints, *storefront.blueprints):
        app.register_blueprint(blueprint)
    return app
