"""The bare callable, writing JSON with orjson instead of the standard library."""

from __future__ import annotations

PACKAGE, IMPORT = "orjson", "orjson"
UNSUPPORTED = {}


def make_app(variant):
    import orjson

    from apps import bare_app

    return bare_app.make_app(variant, orjson.dumps)
