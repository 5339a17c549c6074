"""The application for Flask and for costrel: one text, handed the module to build it from."""

from __future__ import annotations

from apps import common as c

ROUTE_COUNTS = {"routes": 300, "routes_10": 10, "routes_10k": 10_000, "everything": 300}


def build(flask, variant):
    """Build the application with ``flask``, which is the module of either framework."""
    app = flask.Flask(
        __name__, static_folder=c.STATIC_DIR, static_url_path="/static", template_folder=c.TEMPLATE_DIR
    )
    app.secret_key = c.SECRET
    _add_views(app, flask)
    if variant in ROUTE_COUNTS:
        _add_routes(app, ROUTE_COUNTS[variant])
    if variant in ("hooks", "everything"):
        _add_hooks(app, flask)
    if variant in ("session", "everything"):
        _add_session(app, flask)
    if variant == "everything":
        _add_everything(app, flask)

    return app


def _add_views(app, flask):
    request = flask.request

    @app.get("/")
    def plain():
        return flask.Response(c.TEXT, mimetype="text/plain")

    @app.get("/json")
    def small():
        return c.SMALL

    @app.get("/users/<int:id>/posts/<slug>")
    def param(id, slug):
        return {"id": id, "slug": slug}

    @app.post("/form")
    def form():
        return request.form["field5"]

    @app.post("/jsonpost")
    def jsonpost():
        return request.get_json()

    @app.get("/template")
    def template():
        return flask.render_template("table.html", heading="Orders", rows=c.ROWS)

    @app.post("/upload")
    def upload():
        return str(len(request.files["file"].read()))

    @app.get("/bigjson")
    def big():
        return c.BIG


def _add_routes(app, count):
    for index in range((count + 2) // 3):
        name = f"res{index:02d}"

        def item(id, name=name):
            return {"res": name, "id": id}

        def sub(id, slug, name=name):
            return {"res": name, "id": id, "slug": slug}

        app.add_url_rule(f"/api/v1/{name}/<int:id>", f"{name}_item", item)
        app.add_url_rule(f"/api/v1/{name}/<int:id>/sub", f"{name}_list", item)
        app.add_url_rule(f"/api/v1/{name}/<int:id>/sub/<slug>", f"{name}_sub", sub)


def _add_hooks(app, flask):
    g, request = flask.g, flask.request

    @app.before_request
    def before():
        g.user = request.headers.get("X-User")

    @app.after_request
    def after(response):
        response.headers["X-Request-Id"] = "abc"
        return response

    @app.get("/hooks")
    def hooks():
        return f"user={g.user}"


def _add_session(app, flask):
    session = flask.session

    @app.get("/session")
    def count():
        n = session.get("n", 0) + 1
        session["n"] = n
        return f"n={n}"


def _add_everything(app, flask):
    """Add what an ordinary application has besides: teardown, signals, a session read, an error handler."""
    session = flask.session
    seen = []

    @app.before_request
    def read_session():
        session.get("user_id")

    @app.teardown_request
    def teardown(error):
        seen.clear()

    @app.errorhandler(404)
    def missing(error):
        return "nothing here", 404

    def receiver(sender, **extra):
        seen.append(sender)

    app.extensions["receiver"] = receiver  # blinker holds receivers weakly
    for signal in (flask.request_started, flask.request_finished, flask.request_tearing_down):
        signal.connect(receiver, app)
