"""Bottle."""

from __future__ import annotations

PACKAGE, IMPORT = "bottle", "bottle"
UNSUPPORTED = {}


def make_app(variant):
    import bottle

    from apps import common as c

    request, response = bottle.request, bottle.response
    app = bottle.Bottle()

    @app.get("/")
    def plain():
        response.content_type = "text/plain; charset=utf-8"
        return c.TEXT

    @app.get("/json")
    def small():
        return c.SMALL

    @app.get("/users/<id:int>/posts/<slug>")
    def param(id, slug):
        return {"id": id, "slug": slug}

    @app.post("/form")
    def form():
        return request.forms.field5

    @app.post("/jsonpost")
    def jsonpost():
        return request.json

    @app.get("/template")
    def template():
        # Bottle's own Jinja2 adapter does not escape by default: the shared environment does
        return c.jinja_render("table.html", heading="Orders", rows=c.ROWS)

    @app.post("/upload")
    def upload():
        return str(len(request.files["file"].file.read()))

    @app.get("/bigjson")
    def big():
        return c.BIG

    @app.get("/static/<path:path>")
    def static(path):
        return bottle.static_file(path, root=c.STATIC_DIR)

    if variant == "routes":
        _add_routes(app, c.RESOURCES)
    if variant == "hooks":
        _add_hooks(app, request, response)
    if variant == "session":
        _add_session(app, request, response, c.SECRET)

    return app


def _add_routes(app, resources):
    for name in resources:

        def item(id, name=name):
            return {"res": name, "id": id}

        def sub(id, slug, name=name):
            return {"res": name, "id": id, "slug": slug}

        app.route(f"/api/v1/{name}/<id:int>", callback=item)
        app.route(f"/api/v1/{name}/<id:int>/sub", callback=item)
        app.route(f"/api/v1/{name}/<id:int>/sub/<slug>", callback=sub)


def _add_hooks(app, request, response):
    @app.hook("before_request")
    def before():
        request.user = request.get_header("X-User")

    @app.hook("after_request")
    def after():
        response.set_header("X-Request-Id", "abc")

    @app.get("/hooks")
    def hooks():
        return f"user={request.user}"


def _add_session(app, request, response, secret):
    """Count in a signed cookie, which is what Bottle has instead of a session."""

    @app.get("/session")
    def count():
        data = request.get_cookie("session", secret=secret) or {}
        data["n"] = data.get("n", 0) + 1
        response.set_cookie("session", data, secret=secret, httponly=True, path="/")
        return f"n={data['n']}"
