"""Falcon with orjson for its media handler, as its documentation suggests where speed counts."""

from __future__ import annotations

PACKAGE, IMPORT = "falcon", "falcon"
UNSUPPORTED = {"session": "Falcon has no sessions"}


def make_app(variant):
    import falcon
    import orjson

    from apps import falcon_app

    app = falcon_app.make_app(variant)
    handler = falcon.media.JSONHandler(dumps=orjson.dumps, loads=orjson.loads)
    app.req_options.media_handlers[falcon.MEDIA_JSON] = handler
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = handler

    return app
