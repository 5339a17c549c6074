"""On an event loop a store that blocks is awaited, and nothing of it is called there."""

from __future__ import annotations

import asyncio
import threading

import pytest

from costrel import Costrel, session
from costrel.core.app_methods import use_fast_lane
from costrel.ext.session import MemoryStore, Session


class Guarded(MemoryStore):
    """Refuses to be called on a thread that runs an event loop."""

    blocks = True

    def __init__(self):
        super().__init__()
        self.threads = set()

    def get(self, key):
        refuse_loops()
        self.threads.add(threading.current_thread().name)
        return super().get(key)

    def _write(self, *args):
        refuse_loops()
        super()._write(*args)


def refuse_loops():
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise AssertionError("the store was called on an event loop")


@pytest.fixture(params=["fast", "general"])
def lane(request):
    if request.param == "general":
        use_fast_lane(False)
        yield
        use_fast_lane(True)
    else:
        yield


def make_app():
    app = Costrel("shop")
    app.config.update(TESTING=True, SESSION_COOKIE_SECURE=False)
    Session(app, store=Guarded())

    @app.get("/async/set")
    async def put():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    @app.get("/set")
    def sync_put():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    return app


@pytest.mark.parametrize("path", ["/async/set", "/set"])
def test_views_do_not_block_the_loop(lane, client, path):
    browser = client(make_app())

    assert [browser.get(path).text for _ in range(3)] == ["1", "2", "3"]


@pytest.mark.parametrize("path", ["/async/set", "/set"])
@pytest.mark.parametrize("hook_is_async", [True, False])
def test_hooks_do_not_block_the_loop(lane, client, path, hook_is_async):
    app = make_app()

    async def count_later():
        session["hooks"] = session.get("hooks", 0) + 1

    def count():
        session["hooks"] = session.get("hooks", 0) + 1

    app.before_request(count_later if hook_is_async else count)

    @app.get("/hooks")
    async def hooks():
        return str(session["hooks"])

    browser = client(app)

    assert [browser.get(path).text for _ in range(2)] == ["1", "2"]
    assert browser.get("/hooks").text == "3"


def test_websockets_do_not_block_the_loop(client):
    app = make_app()

    @app.websocket("/ws")
    async def ws(ws):
        session["n"] = session["n"] + 10
        await ws.send(str(session["n"]))

    browser = client(app)
    browser.get("/set")

    with browser.websocket("/ws") as connection:
        assert connection.receive() == "11"

    assert browser.get("/async/set").text == "12"


def test_a_request_without_the_cookie_needs_no_other_thread():
    app = make_app()

    @app.get("/read")
    async def read():
        return str(dict(session))

    app.test_client(protocol="asgi").get("/read")

    assert app.session_interface.store.threads == set()
