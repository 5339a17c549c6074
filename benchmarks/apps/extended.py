"""A page behind a login, with a form and a query: one text for Flask's extensions and for costrel's.

Variants take parts away, to tell what each of them costs.
"""

from __future__ import annotations

import importlib

MODULES = {
    "flask": {
        "web": "flask",
        "login": "flask_login",
        "forms": "flask_wtf",
        "csrf": "flask_wtf.csrf",
        "sqlalchemy": "flask_sqlalchemy",
    },
    "costrel": {
        "web": "costrel",
        "login": "costrel.ext.login",
        "forms": "costrel.ext.forms",
        "csrf": "costrel.ext.csrf",
        "sqlalchemy": "costrel.ext.sqlalchemy",
    },
}

PAGE = """<!doctype html>
<title>{{ current_user.name }}</title>
<form method="post"><input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
<input name="text"></form>
<ul>{% for line in lines %}<li>{{ line }}</li>{% endfor %}</ul>
"""


def load(framework, name):
    """Import a module of a framework, or what stands for it there."""
    return importlib.import_module(MODULES[framework][name])


def make_plain(framework, registered=()):
    """Make an application that answers with two words; extensions are there and not used."""
    web = load(framework, "web")
    app = web.Flask("extended")
    app.config.update(SECRET_KEY="a key of the benchmark", SQLALCHEMY_DATABASE_URI="sqlite://")
    if "sqlalchemy" in registered:
        load(framework, "sqlalchemy").SQLAlchemy(app)
    if "login" in registered:
        load(framework, "login").LoginManager(app).user_loader(lambda user_id: None)
    if "csrf" in registered:
        load(framework, "csrf").CSRFProtect(app)
    if "session" in registered:
        app.config["SESSION_TYPE"] = "memory"
        importlib.import_module("costrel.ext.session").Session(app)
    if "forms" in registered:
        importlib.import_module("costrel.ext.forms").Forms(app)
    if "sqlite" in registered:
        app.config["SQLITE_DATABASE"] = ":memory:"
        importlib.import_module("costrel.ext.sqlite").SQLite(app)
    if "migrate" in registered:
        importlib.import_module("costrel.ext.migrate").Migrate(app, app.extensions["sqlalchemy"])

    @app.get("/")
    def plain():
        return "Hello, World!"

    return app


def make_page(framework, *, database):
    """Make the application of the page.

    Args:
        framework: ``"flask"`` or ``"costrel"``.
        database: The path of an SQLite file that lies there.
    """
    web, login, forms = (load(framework, name) for name in ("web", "login", "forms"))
    wtforms = importlib.import_module("wtforms")
    app = web.Flask("extended")
    app.config.update(SECRET_KEY="a key of the benchmark", SQLALCHEMY_DATABASE_URI=f"sqlite:///{database}")
    db = load(framework, "sqlalchemy").SQLAlchemy(app)
    load(framework, "csrf").CSRFProtect(app)
    manager = login.LoginManager(app)

    class User(login.UserMixin):
        id = "7"
        name = "Ada"

    class Line(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        text = db.Column(db.String(80), nullable=False)

    class LineForm(forms.FlaskForm):
        text = wtforms.StringField("Text", [wtforms.validators.DataRequired()])

    user = User()
    manager.user_loader(lambda user_id: user)
    page = app.jinja_env.from_string(PAGE)
    query = db.select(Line.text).limit(10)

    @app.get("/sign-in")
    def sign_in():
        login.login_user(user)
        return web.render_template_string("{{ csrf_token() }}")

    @app.get("/idle")
    @login.login_required
    def idle():
        return web.render_template(page, lines=())

    @app.get("/query")
    @login.login_required
    def with_query():
        return web.render_template(page, lines=db.session.scalars(query).all())

    @app.post("/lines")
    @login.login_required
    def add():
        form = LineForm()
        return "taken" if form.validate_on_submit() else str(form.errors)

    with app.app_context():
        db.create_all()
        if not db.session.scalars(query).all():
            db.session.add_all([Line(text=f"line {number}") for number in range(10)])
            db.session.commit()

    return app, db, query
