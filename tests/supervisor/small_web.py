"""A small Flask application under the Granian of app/web.py; `app.child` calls `main`. SMALL_WEB_PORT is its port."""

from __future__ import annotations

import os
import threading
import time

from flask import Flask, request

from app.bridge import Bridge
from app.child import end_with
from app.web import listen

together = threading.Barrier(8)


def load() -> Bridge:
    end_with(os.getppid())
    application = Flask(__name__)

    @application.get("/pids")
    def pids() -> list[int]:
        return [os.getpid(), os.getppid()]

    @application.get("/slow")
    def slow() -> str:
        time.sleep(1.5)
        return "finished"

    @application.get("/together")
    def wait_for_the_others() -> str:
        together.wait(5)
        return "together"

    @application.post("/length")
    def length() -> str:
        return str(len(request.get_data()))

    return Bridge(application, 16)


def main() -> None:
    listen(load, int(os.environ["SMALL_WEB_PORT"]), "127.0.0.1", stop_seconds=3)
