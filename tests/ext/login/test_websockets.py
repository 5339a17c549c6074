"""WebSocket handlers know their user and are guarded as views are."""

from __future__ import annotations

import pytest

from costrel import Blueprint
from costrel.ext.login import current_user, fresh_login_required, login_required, login_user
from costrel.testing import WebSocketRefused


@pytest.fixture(params=["manager", "async_manager"])
def sockets(app, request):
    """An application with handlers of all kinds, for both kinds of loaders."""
    request.getfixturevalue(request.param)

    @app.websocket("/async")
    @login_required
    async def chat(ws):
        await ws.send(f"hello {current_user.name}")

    @app.websocket("/sync/<room>")
    @login_required
    def room(ws, room):
        ws.send(f"{room}: {current_user.name}")

    @app.websocket("/vault")
    @fresh_login_required
    async def vault(ws):
        await ws.send("gold")

    @app.websocket("/open")
    async def anyone(ws):
        await ws.send(current_user.name if current_user.is_authenticated else "nobody")

    return app


def refused(visitor, path):
    with pytest.raises(WebSocketRefused) as caught, visitor.websocket(path):
        pass

    return caught.value.response.status_code


def said(visitor, path):
    with visitor.websocket(path) as ws:
        return ws.receive()


@pytest.mark.parametrize("path", ["/async", "/sync/hall", "/vault"])
def test_the_handshake_of_nobody_is_refused(sockets, path):
    assert refused(sockets.test_client(), path) == 401


def test_users_are_let_in_and_known(sockets):
    visitor = sockets.test_client()
    visitor.post("/login/1")

    assert said(visitor, "/async") == "hello Ada"
    assert said(visitor, "/sync/hall") == "hall: Ada"
    assert said(visitor, "/vault") == "gold"


def test_the_handshake_of_a_stale_login_is_forbidden(sockets):
    visitor = sockets.test_client()
    visitor.post("/login/1?remember")
    visitor.delete_cookie("session")

    assert refused(visitor, "/vault") == 403
    assert said(visitor, "/async") == "hello Ada"


def test_a_handler_without_a_guard_knows_its_user(sockets):
    visitor = sockets.test_client()

    before = said(visitor, "/open")
    visitor.post("/login/2")

    assert (before, said(visitor, "/open")) == ("nobody", "Bob")


def test_a_redirect_is_no_answer_to_a_handshake(sockets):
    sockets.login_manager.login_view = "/enter"

    assert refused(sockets.test_client(), "/async") == 401


def test_a_forged_remember_cookie_opens_no_socket(sockets):
    visitor = sockets.test_client()
    visitor.set_cookie("remember_token", "1|0000")

    assert refused(visitor, "/async") == 401


def test_a_hook_guards_the_sockets_of_a_blueprint(app, manager):
    live = Blueprint("live", __name__, url_prefix="/live")

    @live.before_websocket
    @login_required
    async def guard():
        pass

    @live.websocket("/feed")
    async def feed(ws):
        await ws.send(current_user.name)

    app.register_blueprint(live)
    visitor = app.test_client()

    before = refused(visitor, "/live/feed")
    visitor.post("/login/1")

    assert (before, said(visitor, "/live/feed")) == (401, "Ada")


def test_who_logs_in_before_the_connection_is_accepted_stays_logged_in(app, manager, users, set_cookies):
    @app.websocket("/enter")
    async def enter(ws):
        login_user(users["1"], remember=True)
        await ws.send(current_user.name)

    visitor = app.test_client()
    in_socket = said(visitor, "/enter")
    response = visitor.get("/me")

    assert (in_socket, response.text) == ("Ada", "Ada")
    assert len(set_cookies(response)) == 1  # the handshake's response has no hooks; the next one has
