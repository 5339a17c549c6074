"""A shop behind ``CSRFProtect``, with sync and with async views."""

from __future__ import annotations

import pytest

from costrel import Costrel, render_template_string, session
from costrel.ext.csrf import CSRFProtect, csrf_field, generate_csrf


@pytest.fixture(params=["sync", "async"])
def is_async(request):
    """Whether the views are async."""
    return request.param == "async"


@pytest.fixture
def either(is_async):
    """Make an async view of a view, or leave it."""

    def make(view):
        async def async_view(**values):
            return view(**values)

        async_view.__name__ = view.__name__
        async_view.__module__ = view.__module__
        return async_view if is_async else view

    return make


@pytest.fixture
def shop(app, either):
    """The application: a page, a form, something to buy, and the way in and out."""
    CSRFProtect(app)

    def token():
        return generate_csrf()

    def form():
        return render_template_string("{{ csrf_field() }} {{ csrf_field() }}")

    def buy():
        session["bought"] = session.get("bought", 0) + 1
        return f"bought {session['bought']}"

    def login():
        session["user"] = "ada"
        app.extensions["csrf"].renew_token()
        return "welcome"

    def logout():
        session.clear()
        return csrf_field()

    app.add_url_rule("/token", view_func=either(token))
    app.add_url_rule("/form", view_func=either(form))
    app.add_url_rule("/buy", view_func=either(buy), methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    app.add_url_rule("/login", view_func=either(login), methods=["POST"])
    app.add_url_rule("/logout", view_func=either(logout), methods=["POST"])

    return app


@pytest.fixture
def csrf(shop):
    """The extension of the shop."""
    return shop.extensions["csrf"]


@pytest.fixture
def request_context(app):
    """A request whose session can be written."""
    with app.test_request_context() as ctx:
        yield ctx


@pytest.fixture
def other_app():
    """A second application with the same key."""
    app = Costrel("other")
    app.config.update(SECRET_KEY="a key for tests", TESTING=True)
    return app
