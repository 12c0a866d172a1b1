"""A storefront for the tests of the extension: the development store in this process, and an app that only answers.

The extension is the real one. The app behind the proxy is a list of answers, so that each test says what it gets.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dev_store.commerce import Commerce, open_shop
from dev_store.config import Config, read_app_config
from dev_store.server import make_dev_server
from dev_store.store import DevStore
from dev_store.web import create_app
from tools.terminal import ROOT

SHOP = "window-box.myshopify.com"
POPUP: dict[str, Any] = {
    "id": 1,
    "trigger": {"exit": True},
    "target": {},
    "frequency": {"days": 14, "times": 3},
    "teaser": True,
    "texts": {
        "en": {
            "title": "Before you go",
            "body": "5.00 off your first order.",
            "button": "Send me the code",
            "consent": "I agree to receive offers by e-mail and can stop them at any time.",
            "consent_version": "2026-11",
            "thanks": "Welcome",
            "teaser": "5.00 off",
        },
        "de": {"title": "Bevor Sie gehen", "teaser": "5,00 Rabatt"},
    },
}


@dataclass
class StandInApp:
    """Answers sign-ups with what is on the list, the last one for ever; an empty list is an app that fails.

    `seen` are the popups that browsers told of, perhaps when an earlier test's page was closed.
    """

    answers: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, body: dict[str, Any]) -> dict[str, Any] | None:
        if "closed" in body:
            self.seen.append(body)
            return {"state": "noted"}
        self.asked.append(body)
        if not self.answers:
            return None
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass(frozen=True)
class WindowShop:
    """The running storefront."""

    store: DevStore
    app: StandInApp
    origin: str

    @property
    def url(self) -> str:
        return f"{self.origin}/{SHOP}/"

    @property
    def commerce(self) -> Commerce:
        return self.store.commerce(SHOP)

    def publish(self, key: str, value: Any, owner: str = "AppInstallation", owner_id: int | None = None) -> None:
        """Set a metafield as the app's publisher does."""
        number = owner_id or self.commerce.shop_document()["id"]
        namespace = "perennial" if owner == "AppInstallation" else "app--1"
        document = {
            "id": f"{owner}/{number}/{key}",
            "owner": f"gid://shopify/{owner}/{number}",
            "namespace": namespace,
            "key": key,
            "type": "json",
            "value": json.dumps(value),
        }
        self.store.state.put(SHOP, "metafield", document["id"], document)


@contextmanager
def window_shop() -> Iterator[WindowShop]:
    """A shop with one product, open until the block ends."""
    app = StandInApp()
    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), _handler(app))) as port:
        app_url = f"http://127.0.0.1:{port}"
        declared = read_app_config(ROOT / "shopify.app.toml", app_url)
        flask_app = create_app(Config(app_url, "key", "secret", declared, port=0))
        store: DevStore = flask_app.extensions["dev_store"]
        open_shop(store.state, SHOP, name="Window Box", at=store.clock.now(), currency="EUR", country="DE")
        store.commerce(SHOP).create_product(at=store.clock.now(), title="Thyme", variants=[{"price": "12.00"}])
        with _serving(make_dev_server(flask_app)) as shop_port:
            yield WindowShop(store, app, f"http://127.0.0.1:{shop_port}")
        store.state.close()


@contextmanager
def _serving(server: Any) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(app: StandInApp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            answer = app.answer(body)
            content = json.dumps(answer).encode() if answer else b"down"
            self.send_response(200 if answer else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Tests print nothing."""

    return Handler
