"""How deliveries come in: from the server's event loop, or through Flask.

The web process hands `POST /webhooks` to `Doorway` before Flask sees it, because a flash sale knocks a thousand times
a second and Flask's own machinery costs more than all that the door does. The same door is a route of the Flask
application, for servers that speak WSGI only and for test clients; there an event loop runs in a thread.
"""

import asyncio
import threading
from collections.abc import AsyncIterator

from flask import Blueprint, Response, request

from webhooks.door import LARGEST_BODY, Door

PATH = "/webhooks"
EXTENSION = "perennial_door"


class Doorway:
    """A door for Flask, which knows no event loop: it runs in a thread, started by the first delivery."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def blueprint(self) -> Blueprint:
        """`POST /webhooks` as a route of Flask's."""
        blueprint = Blueprint("webhooks", __name__)
        blueprint.add_url_rule(PATH, view_func=self._receive, methods=["POST"])
        return blueprint

    def close(self) -> None:
        """Write what waits and let the connection go."""
        if self._loop is not None and self._thread is not None:
            asyncio.run_coroutine_threadsafe(self.door.inbox.close(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = None

    def _receive(self) -> Response:
        # One byte more, because a body without a stated length is cut at the limit without a word.
        request.max_content_length = LARGEST_BODY + 1
        body = _Arrived(request.get_data(cache=False))
        answer = asyncio.run_coroutine_threadsafe(self.door.answer(request.headers, body), self._running()).result()
        return Response(status=answer.status, headers=answer.headers)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="door", daemon=True)
                self._thread.start()
        return self._loop


class _Arrived:
    """A body that is there already."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    async def __call__(self) -> bytes:
        return self._raw

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._raw
