"""A request inside of another, or beside it, sees its own context only."""

from __future__ import annotations

import asyncio

import pytest

from costrel import Costrel, current_app, g, request, session
from costrel._current import current

BOUND_SECONDS = 30


@pytest.fixture
def inner():
    inner = Costrel("inner")
    inner.secret_key = "a key for tests"
    inner.torn = []

    @inner.get("/<name>")
    async def view(name):
        assert "name" not in g
        g.name = session["name"] = name
        await asyncio.sleep(0)
        return f"{current_app.name} {request.path} {g.name}"

    @inner.get("/sync/<name>")
    def view_sync(name):
        assert "name" not in g
        g.name = session["name"] = name
        return f"{current_app.name} {request.path} {g.name}"

    inner.teardown_request(lambda error: inner.torn.append(request.path))
    return inner


@pytest.fixture
def outer(inner, ask, wire):
    outer = Costrel("outer")
    outer.secret_key = "another key for tests"
    outer.torn = []

    def own():
        return f"{current_app.name} {request.path} {g.name} {session['name']}"

    @outer.get("/by-asgi/<path:path>")
    async def by_asgi(path):
        g.name = session["name"] = "mine"
        answer = await ask(inner.asgi, wire(f"/{path}".encode()))
        return f"{answer.body.decode()}, {own()}"

    @outer.get("/by-awaited-client/<path:path>")
    async def by_awaited_client(path):
        g.name = session["name"] = "mine"
        return f"{(await inner.async_test_client().get(f'/{path}')).text}, {own()}"

    @outer.get("/by-client/<path:path>")
    def by_client(path):
        g.name = session["name"] = "mine"
        return f"{inner.test_client().get(f'/{path}').text}, {own()}"

    outer.teardown_request(lambda error: outer.torn.append(request.path))
    return outer


@pytest.mark.parametrize("way", ["by-asgi", "by-awaited-client", "by-client"])
@pytest.mark.parametrize("path", ["ada", "sync/ada"])
async def test_a_request_inside_of_another_is_its_own(outer, inner, ask, wire, way, path):
    async with asyncio.timeout(BOUND_SECONDS):
        answer = await ask(outer.asgi, wire(f"/{way}/{path}".encode()))

    assert answer.body.decode() == f"inner /{path} ada, outer /{way}/{path} mine mine"
    assert (inner.torn, outer.torn) == ([f"/{path}"], [f"/{way}/{path}"])
    assert current.get(None) is None


@pytest.mark.parametrize("prefix", ["", "sync/"])
async def test_requests_at_once_do_not_see_each_other(inner, ask, wire, prefix):
    async with asyncio.timeout(BOUND_SECONDS):
        answers = await asyncio.gather(
            *(ask(inner.asgi, wire(f"/{prefix}{number}".encode())) for number in range(200))
        )

    assert [answer.body.decode() for answer in answers] == [
        f"inner /{prefix}{number} {number}" for number in range(200)
    ]
    assert len(inner.torn) == 200


async def test_tasks_and_threads_of_a_view_see_its_context_and_leave_none(ask, wire):
    app = Costrel("shop")

    @app.get("/")
    async def view():
        g.seen = []

        async def note():
            await asyncio.sleep(0)
            g.seen.append(request.path)

        await asyncio.gather(note(), note(), asyncio.to_thread(lambda: g.seen.append(request.path)))
        async with asyncio.TaskGroup() as group:
            group.create_task(note())
        return str(len(g.seen))

    answer = await ask(app.asgi, wire())

    assert answer.body == b"4"
    assert current.get(None) is None


async def test_a_task_that_outlives_its_request_can_still_read_it(ask, wire):
    app = Costrel("shop")
    torn, go = [], asyncio.Event()
    tasks = []
    app.teardown_request(lambda error: torn.append(request.path))

    @app.get("/<name>")
    async def view(name):
        async def late():
            await go.wait()
            return request.path, request.headers["Host"], name

        tasks.append(asyncio.create_task(late()))
        return "answered"

    await ask(app.asgi, wire(b"/one"))
    await ask(app.asgi, wire(b"/two"))
    go.set()

    assert torn == ["/one", "/two"]
    assert await asyncio.gather(*tasks) == [
        ("/one", "localhost", "one"),
        ("/two", "localhost", "two"),
    ]
    assert torn == ["/one", "/two"], "nothing is torn down twice"
