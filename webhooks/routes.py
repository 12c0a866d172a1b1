"""How deliveries come in: from the server's event loop, or through Flask.

The web process hands `POST /webhooks` to `Doorway` before Flask sees it, because a flash sale knocks a thousand times
a second and Flask's own machinery costs more than all that the door does. The same door is a route of the Flask
application, for servers that speak WSGI only and for test clients; there an event loop runs in a thread.
"""

from collections.abc import AsyncIterator

from flask import Blueprint, Response, request

from app.loop_thread import LoopThread
from webhooks.door import LARGEST_BODY, Door

PATH = "/webhooks"
EXTENSION = "perennial_door"


class Doorway:
    """A door for Flask, which knows no event loop."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self._loop = LoopThread("door")

    def blueprint(self) -> Blueprint:
        """`POST /webhooks` as a route of Flask's."""
        blueprint = Blueprint("webhooks", __name__)
        blueprint.add_url_rule(PATH, view_func=self._receive, methods=["POST"])
        return blueprint

    def close(self) -> None:
        """Write what waits and let the connection go."""
        if self._loop.has_begun:
            self._loop.run(self.door.inbox.close())
            self._loop.close()

    def _receive(self) -> Response:
        # One byte more, because a body without a stated length is cut at the limit without a word.
        request.max_content_length = LARGEST_BODY + 1
        body = _Arrived(request.get_data(cache=False))
        answer = self._loop.run(self.door.answer(request.headers, body))
        return Response(status=answer.status, headers=answer.headers)


class _Arrived:
    """A body that is there already."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    async def __call__(self) -> bytes:
        return self._raw

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._raw
