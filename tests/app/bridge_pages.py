"""A WSGI application with every kind of answer, served as `app.web` serves Flask; `python -m` it with PORT set."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator

from flask import Flask, Response, redirect, request
from flask.typing import ResponseReturnValue

from app.bridge import Bridge
from app.child import end_with
from app.web import listen

closed = threading.Event()


application = Flask(__name__)


@application.route("/echo/<path:rest>", methods=["GET", "POST", "PUT", "DELETE", "HEAD"])
def echo(rest: str) -> ResponseReturnValue:
    body = request.get_data()
    return {
        "method": request.method,
        "path": rest,
        "url": request.url,
        "query": request.args.to_dict(flat=False),
        "headers": {name: request.headers.getlist(name) for name in request.headers.keys()},  # noqa: SIM118
        "cookies": request.cookies,
        "length": request.content_length,
        "sha256": hashlib.sha256(body).hexdigest(),
        "remote": request.remote_addr,
        "secrets": [value for value in request.environ.values() if value == os.environ["PAGES_SECRET"]],
    }


@application.post("/upload")
def upload() -> ResponseReturnValue:
    file = request.files["file"]
    return {"name": file.filename, "size": len(file.read()), "note": request.form["note"]}


@application.get("/cookies")
def cookies() -> ResponseReturnValue:
    response = redirect("/echo/after?x=1")
    response.set_cookie("one", "1", httponly=True)
    response.set_cookie("two", "2")
    return response


@application.get("/bytes/<int:size>")
def large(size: int) -> ResponseReturnValue:
    return Response(b"x" * size, mimetype="application/octet-stream")


@application.get("/stream/<int:pieces>")
def stream(pieces: int) -> ResponseReturnValue:
    def produce() -> Iterator[str]:
        try:
            for number in range(pieces):
                yield f"{number}\n" * 1_000
                time.sleep(0.01)
        finally:
            closed.set()

    return Response(produce(), mimetype="text/plain")


@application.get("/closed")
def was_closed() -> ResponseReturnValue:
    return {"closed": closed.wait(5)}


@application.get("/nothing")
def nothing() -> ResponseReturnValue:
    return "", 204


@application.get("/error")
def error() -> ResponseReturnValue:
    raise RuntimeError("a bug")


class Pages:
    """Flask, and beside it answers that Flask would never give."""

    def __init__(self) -> None:
        self._flask = application

    def __call__(self, environ: dict[str, object], start: Callable[..., object]) -> object:
        if environ["PATH_INFO"] == "/raises":
            raise RuntimeError("below Flask")
        if environ["PATH_INFO"] == "/late":
            return self._late(start)
        return self._flask(environ, start)  # type: ignore[arg-type]  # a WSGI environment, by its other name

    def _late(self, start: Callable[..., object]) -> Iterator[bytes]:
        start("201 Created", [("X-Late", "yes")])
        yield b"late"


def load() -> Bridge:
    end_with(os.getppid())
    return Bridge(Pages(), 8)  # type: ignore[arg-type]  # a WSGI application, by its other name


if __name__ == "__main__":
    listen(load, int(os.environ["PORT"]), "127.0.0.1", stop_seconds=3)
