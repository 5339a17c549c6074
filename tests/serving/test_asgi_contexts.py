"""Contexts that are pushed in a worker thread and popped on the event loop, and the other way round."""

from __future__ import annotations

import asyncio
import threading

import pytest

from costrel import Costrel, copy_current_request_context, current_app, g, has_app_context, request
from costrel._current import current
from costrel.core.app_methods import use_fast_lane


@pytest.fixture(params=["fast", "general"], autouse=True)
def lane(request):
    """Both lanes, whatever the run was told."""
    if request.param == "fast":
        yield
        return

    from costrel.core.app_methods import fast_methods

    before = fast_methods[0]
    use_fast_lane(False)
    yield
    fast_methods[0] = before


@pytest.fixture
def other():
    """Another application."""
    return Costrel("other")


@pytest.fixture
def torn_down(app, other):
    """The names of the applications whose contexts were torn down."""
    names = []
    for one in (app, other):
        one.teardown_appcontext(lambda error, name=one.name: names.append(name))

    return names


async def test_context_that_a_hook_pushed_in_a_thread_is_popped_after_the_view(app, other, ask, torn_down):
    threads = []

    @app.before_request
    def push():
        threads.append(threading.get_ident())
        other.app_context().push()

    @app.get("/")
    async def view():
        threads.append(threading.get_ident())
        return current_app.name

    answer = await ask(app, "/")

    assert (answer.status, answer.body) == (200, b"other")
    assert torn_down == ["other", app.name]
    assert threads[0] != threads[1] == threading.get_ident()
    assert current.get(None) is None


async def test_context_that_a_hook_pushed_in_a_thread_may_be_popped_by_the_view(app, other, ask, torn_down):
    @app.before_request
    def push():
        g.pushed = other.app_context()
        g.pushed.push()

    @app.get("/")
    async def view():
        pushed = current.get()
        pushed.pop()
        return f"{current_app.name} {request.path}"

    # ``g`` is that of the request, where the hook noted what it pushed.
    answer = await ask(app, "/")

    assert answer.body == f"{app.name} /".encode()
    assert torn_down == ["other", app.name]


async def test_context_that_the_view_pushed_may_be_popped_by_a_hook_in_a_thread(app, other, ask, torn_down):
    threads = []

    @app.get("/")
    async def view():
        threads.append(threading.get_ident())
        other.app_context().push()
        return current_app.name

    @app.after_request
    def pop(response):
        threads.append(threading.get_ident())
        current.get().pop()
        response.headers["X-After"] = current_app.name
        return response

    answer = await ask(app, "/")

    assert answer.status == 200
    assert answer.headers["x-after"] == app.name
    assert torn_down == ["other", app.name]
    assert threads[0] != threads[1]


async def test_nested_pushes_are_undone_across_threads_one_by_one(app, other, ask, torn_down):
    seen = []
    pushed = [other.app_context(), other.app_context()]

    @app.before_request
    def push():
        for one in pushed:
            one.push()
        pushed[1].push()

    @app.get("/")
    async def view():
        pushed[1].pop()
        seen.append(current.get() is pushed[1])
        pushed[1].pop()
        seen.append(current.get() is pushed[0])
        return ""

    @app.after_request
    def pop(response):
        pushed[0].pop()
        seen.append(request.path)
        return response

    assert (await ask(app, "/")).status == 200
    assert seen == [True, True, "/"]
    assert torn_down == ["other", "other", app.name]


async def test_context_pushed_in_a_thread_is_gone_after_an_error(app, other, ask, torn_down):
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.before_request
    def push():
        other.app_context().push()

    @app.get("/")
    async def view():
        raise ValueError("told to")

    assert (await ask(app, "/")).status == 500
    assert torn_down == ["other", app.name]
    assert current.get(None) is None


async def test_copied_request_context_serves_threads_of_an_async_view(app, ask):
    torn_down = []
    app.teardown_request(lambda error: torn_down.append(request.path))

    @app.get("/<name>")
    async def view(name):
        @copy_current_request_context
        def work():
            return request.view_args["name"], threading.get_ident()

        found = await asyncio.gather(*(asyncio.to_thread(work) for _ in range(3)))
        assert all(ident != threading.get_ident() for _, ident in found)
        return [name for name, _ in found]

    answer = await ask(app, "/pear")

    assert answer.body.split() == b'["pear","pear","pear"]'.split()
    assert torn_down == ["/pear"] * 4


async def test_stream_of_a_synchronous_view_keeps_its_own_context_from_piece_to_piece(app, other, ask):
    seen = []

    @app.get("/")
    def view():
        def body():
            with other.app_context():
                for _ in range(3):
                    yield current_app.name
            seen.append(has_app_context())

        return body()

    answer = await ask(app, "/")

    assert answer.body == b"other" * 3
    assert seen == [False]


async def test_many_requests_at_once_keep_their_contexts_apart(app, other, ask):
    @app.before_request
    def push():
        if "push" in request.args:
            other.app_context().push()

    @app.get("/<int:number>")
    async def view(number):
        await asyncio.sleep(0)
        return f"{current_app.name} {request.view_args['number']}"

    answers = await asyncio.gather(*(ask(app, f"/{n}?push" if n % 2 else f"/{n}") for n in range(40)))

    names = [app.name, "other"]
    assert [answer.body.decode() for answer in answers] == [f"{names[n % 2]} {n}" for n in range(40)]
