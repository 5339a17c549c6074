"""Quart: the application of ``flask_like_async``, with the awaits that Quart wants for a body and a page."""

from __future__ import annotations

from apps import common as c

PROTOCOL = "asgi"
PACKAGE, IMPORT = "quart", "quart"
UNSUPPORTED = {}


def make_app(variant):
    import quart

    from apps import flask_like_async

    app = quart.Quart(
        __name__, static_folder=c.STATIC_DIR, static_url_path="/static", template_folder=c.TEMPLATE_DIR
    )
    app.secret_key = c.SECRET
    flask_like_async.add_base_views(app, quart)
    _add_awaiting_views(app, quart)
    flask_like_async.add_variant(app, quart, variant)

    return app


def _add_awaiting_views(app, quart):
    request = quart.request

    @app.post("/form")
    async def form():
        return (await request.form)["field5"]

    @app.post("/jsonpost")
    async def jsonpost():
        return await request.get_json()

    @app.get("/template")
    async def template():
        return await quart.render_template("table.html", heading="Orders", rows=c.ROWS)

    @app.post("/upload")
    async def upload():
        return str(len((await request.files)["file"].read()))
