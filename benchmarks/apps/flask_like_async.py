"""The application of ``flask_like`` with ``async def`` views and hooks: one text for Flask and costrel."""

from __future__ import annotations

import asyncio

from apps import common as c


def build(flask, variant):
    """Build the application with ``flask``, which is the module of either framework."""
    app = flask.Flask(
        __name__, static_folder=c.STATIC_DIR, static_url_path="/static", template_folder=c.TEMPLATE_DIR
    )
    app.secret_key = c.SECRET
    add_base_views(app, flask)
    _add_body_views(app, flask)
    add_variant(app, flask, variant)

    return app


def add_variant(app, flask, variant):
    if variant == "routes":
        _add_routes(app)
    if variant == "hooks":
        _add_hooks(app, flask)
    if variant == "session":
        _add_session(app, flask)


def add_base_views(app, flask):
    @app.get("/")
    async def plain():
        return flask.Response(c.TEXT, mimetype="text/plain")

    @app.get("/json")
    async def small():
        return c.SMALL

    @app.get("/users/<int:id>/posts/<slug>")
    async def param(id, slug):
        return {"id": id, "slug": slug}

    @app.get("/awaits")
    async def awaits():
        await asyncio.sleep(0)
        return c.TEXT

    @app.get("/bigjson")
    async def big():
        return c.BIG


def _add_body_views(app, flask):
    request = flask.request

    @app.post("/form")
    async def form():
        return request.form["field5"]

    @app.post("/jsonpost")
    async def jsonpost():
        return request.get_json()

    @app.get("/template")
    async def template():
        return flask.render_template("table.html", heading="Orders", rows=c.ROWS)

    @app.post("/upload")
    async def upload():
        return str(len(request.files["file"].read()))


def _add_routes(app):
    for name in c.RESOURCES:

        async def item(id, name=name):
            return {"res": name, "id": id}

        async def sub(id, slug, name=name):
            return {"res": name, "id": id, "slug": slug}

        app.add_url_rule(f"/api/v1/{name}/<int:id>", f"{name}_item", item)
        app.add_url_rule(f"/api/v1/{name}/<int:id>/sub", f"{name}_list", item)
        app.add_url_rule(f"/api/v1/{name}/<int:id>/sub/<slug>", f"{name}_sub", sub)


def _add_hooks(app, flask):
    g, request = flask.g, flask.request

    @app.before_request
    async def before():
        g.user = request.headers.get("X-User")

    @app.after_request
    async def after(response):
        response.headers["X-Request-Id"] = "abc"
        return response

    @app.get("/hooks")
    async def hooks():
        return f"user={g.user}"


def _add_session(app, flask):
    session = flask.session

    @app.get("/session")
    async def count():
        n = session.get("n", 0) + 1
        session["n"] = n
        return f"n={n}"
