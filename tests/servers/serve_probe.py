"""The application that ``costrel serve`` is tested with; a factory, as many are."""

import os
import threading

from costrel import Costrel, request, url_for

FOLDER = os.environ.get("SERVE_PROBE", ".")


def create_app(title="shop", has_async=False):
    app = Costrel(title)
    app.config.update(
        TRUSTED_PROXIES=["127.0.0.0/8", "unix"],
        TRUSTED_HOSTS=["127.0.0.1", "localhost"],
        SECRET_KEY="7c2f9f0f6c1c4a8f93f4a7b0f0a51c2e",
    )

    @app.get("/")
    def index():
        return {
            "title": app.name,
            "process": os.getpid(),
            "address": request.remote_addr,
            "url": url_for("index", _external=True),
            "by_asgi": "asgi.scope" in request.environ,
        }

    @app.get("/until-it-is-told")
    def wait():
        """Say that the request has begun, and answer when the test says so."""
        open(os.path.join(FOLDER, "begun"), "w").close()
        go_on = threading.Event()
        while not os.path.exists(os.path.join(FOLDER, "go on")):
            go_on.wait(0.02)
        return "whole"

    if has_async:

        @app.get("/async")
        async def feed():
            return "async"

    return app
