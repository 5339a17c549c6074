"""Flask with ``async def`` views, under WSGI."""

from __future__ import annotations

PACKAGE, IMPORT = "flask", "flask"
UNSUPPORTED = {}


def make_app(variant):
    import flask

    from apps import flask_like_async

    return flask_like_async.build(flask, variant)
