"""Views, hooks and handlers let in whom they should, over both protocols, async or not."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from costrel import Blueprint, get_flashed_messages
from costrel.ext.login import (
    current_user,
    fresh_login_required,
    login_required,
    user_needs_refresh,
    user_unauthorized,
)


@pytest.fixture
def guarded(app, manager):
    """An application with guarded views of both kinds."""

    @app.route("/secret", methods=["GET", "POST", "OPTIONS"])
    @login_required
    def secret():
        return f"for {current_user.name}" if current_user.is_authenticated else "open"

    @app.get("/asecret")
    @login_required
    async def asecret():
        await asyncio.sleep(0)
        return f"for {current_user.name}"

    @app.get("/vault")
    @fresh_login_required
    def vault():
        return "gold"

    @app.get("/avault")
    @fresh_login_required
    async def avault():
        return "gold"

    return app


@pytest.mark.parametrize("path", ["/secret", "/asecret"])
def test_only_users_are_let_in(client, guarded, path):
    visitor = client(guarded)

    before = visitor.get(path).status_code
    visitor.post("/login/1")

    assert (before, visitor.get(path).text) == (401, "for Ada")


@pytest.mark.parametrize("path", ["/vault", "/avault"])
def test_only_fresh_logins_are_let_in_where_that_matters(client, guarded, path):
    visitor = client(guarded)

    nobody = visitor.get(path).status_code
    visitor.post("/login/1?remember")
    fresh = visitor.get(path).text
    visitor.delete_cookie("session")
    stale = visitor.get(path).status_code
    visitor.post("/confirm")

    assert (nobody, fresh, stale, visitor.get(path).text) == (401, "gold", 401, "gold")


def test_a_guarded_view_stays_what_it_is():
    @login_required
    async def asked():
        """Doc."""

    @login_required
    def plain():
        """Doc."""

    assert inspect.iscoroutinefunction(asked)
    assert not inspect.iscoroutinefunction(plain)
    assert (asked.__name__, plain.__doc__) == ("asked", "Doc.")


def test_a_preflight_needs_no_login(client, guarded):
    assert client(guarded).options("/secret").status_code == 200


@pytest.mark.parametrize("method", ["get", "post", "head"])
def test_other_methods_do(client, guarded, method):
    assert getattr(client(guarded), method)("/secret").status_code == 401 or method == "head"
    assert client(guarded).open("/secret", method="HEAD").status_code == 401


def test_tests_may_open_everything(client, guarded):
    guarded.config["LOGIN_DISABLED"] = True

    assert client(guarded).get("/secret").text == "open"


def test_visitors_are_sent_to_the_login_view_with_a_message(client, guarded, manager):
    manager.login_view = "public"
    manager.login_message = "Sign in"
    manager.login_message_category = "info"
    manager.localize_callback = str.upper

    @guarded.get("/messages")
    def messages():
        return str(get_flashed_messages(with_categories=True))

    visitor = client(guarded)
    response = visitor.get("/secret?page=2")

    assert (response.status_code, response.location) == (302, "/public?next=%2Fsecret%3Fpage%3D2")
    assert visitor.get("/messages").text == "[('info', 'SIGN IN')]"


def test_without_a_message_nothing_is_flashed(client, guarded, manager):
    manager.login_view = "/enter"
    manager.login_message = None

    assert "Set-Cookie" not in client(guarded).get("/secret").headers


def test_stale_logins_are_sent_to_the_refresh_view(client, guarded, manager):
    manager.refresh_view = "/again"
    visitor = client(guarded)
    visitor.post("/login/1?remember")
    visitor.delete_cookie("session")

    assert visitor.get("/vault").location == "/again?next=%2Fvault"


@pytest.mark.parametrize("path", ["/secret", "/asecret"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_application_may_answer_itself(client, guarded, manager, path, kind):
    def answer():
        return {"error": "log in"}, 403

    async def aanswer():
        await asyncio.sleep(0)
        return {"error": "log in"}, 403

    manager.unauthorized_handler(answer if kind == "sync" else aanswer)

    response = client(guarded).get(path)

    assert (response.status_code, response.json) == (403, {"error": "log in"})


def test_an_application_may_answer_stale_logins_itself(client, guarded, manager):
    manager.needs_refresh_handler(lambda: ("again", 403))
    visitor = client(guarded)
    visitor.post("/login/1?remember")
    visitor.delete_cookie("session")

    assert visitor.get("/avault").text == "again"


def test_refusals_are_announced(client, guarded):
    heard = []
    visitor = client(guarded)
    visitor.post("/login/1?remember")
    visitor.delete_cookie("session")

    with (
        user_unauthorized.connected_to(lambda sender: heard.append("unauthorized"), sender=guarded),
        user_needs_refresh.connected_to(lambda sender: heard.append("stale"), sender=guarded),
    ):
        client(guarded).get("/secret")
        visitor.get("/vault")

    assert heard == ["unauthorized", "stale"]


# Whole blueprints.


def add_blueprint(app, *, is_async):
    admin = Blueprint("admin", __name__, url_prefix="/admin")

    if is_async:

        @admin.before_request
        @login_required
        async def guard():
            pass

    else:

        @admin.before_request
        @login_required
        def guard():
            pass

    @admin.get("/")
    def index():
        return f"admin {current_user.name}"

    @admin.get("/async")
    async def aindex():
        return f"admin {current_user.name}"

    app.register_blueprint(admin)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("path", ["/admin/", "/admin/async"])
def test_a_hook_guards_a_whole_blueprint_and_nothing_else(client, app, manager, is_async, path):
    add_blueprint(app, is_async=is_async)
    visitor = client(app)

    before = [visitor.get(path).status_code, visitor.get("/public").status_code]
    visitor.post("/login/1")

    assert before == [401, 200]
    assert visitor.get(path).text == "admin Ada"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_handler_that_returns_nothing_does_not_open_a_guarded_blueprint(client, app, manager, is_async):
    add_blueprint(app, is_async=is_async)
    manager.unauthorized_handler(lambda: None)

    assert client(app).get("/admin/").status_code == 401


@pytest.mark.parametrize("is_async", [False, True])
def test_an_async_handler_that_returns_nothing_does_not_either(client, app, manager, is_async):
    add_blueprint(app, is_async=is_async)

    @manager.unauthorized_handler
    async def answer():
        return None

    assert client(app).get("/admin/").status_code == 401


def test_a_blueprint_may_have_its_own_login_view(client, app, manager):
    add_blueprint(app, is_async=False)
    manager.login_view = "/enter"
    manager.blueprint_login_views["admin"] = "/admin-enter"

    @app.get("/secret")
    @login_required
    def secret():
        return ""

    visitor = client(app)

    assert visitor.get("/admin/").location == "/admin-enter?next=%2Fadmin%2F"
    assert visitor.get("/secret").location == "/enter?next=%2Fsecret"
