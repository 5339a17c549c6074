"""No framework on granian's own protocol, RSGI: over the wire only, so only what is measured there."""

from __future__ import annotations

import json

from apps import common as c

PROTOCOL = "rsgi"
PACKAGE, IMPORT = None, "json"
TEXT, JSON = [("content-type", "text/plain; charset=utf-8")], [("content-type", "application/json")]


def make_app(variant):
    async def app(scope, protocol):
        path = scope.path
        if path == "/":
            protocol.response_str(200, TEXT, c.TEXT)
        elif path == "/json":
            protocol.response_bytes(200, JSON, json.dumps(c.SMALL).encode())
        elif path.startswith("/users/"):
            parts = path.split("/")
            found = {"id": int(parts[2]), "slug": parts[4]}
            protocol.response_bytes(200, JSON, json.dumps(found).encode())
        else:
            protocol.response_str(404, TEXT, "Not Found")

    return app
