"""Functions keep their kind when a context goes with them, and each call has a context of its own."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from costrel import (
    Costrel,
    copy_current_app_context,
    copy_current_request_context,
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
)
from costrel._current import current
from costrel.errors import ContextError


@pytest.fixture
def torn_down(app):
    """What was torn down, and with which error."""
    calls = []

    @app.teardown_appcontext
    async def tell(error):
        calls.append((g.get("name"), error))

    return calls


@pytest.fixture(autouse=True)
def _nothing_is_left():
    yield
    assert current.get(None) is None


def test_a_coroutine_function_stays_one(app):
    with app.test_request_context("/x"):

        @copy_current_request_context
        async def work():
            await asyncio.sleep(0)
            return request.path

    assert inspect.iscoroutinefunction(work)
    assert asyncio.run(work()) == "/x"


@pytest.mark.parametrize("how", ["await", "create_task", "to_thread", "executor"])
def test_the_request_is_there_wherever_an_async_view_sends_its_work(app, client, how):
    @app.get("/<name>")
    async def index(name):
        def work():
            return f"{request.view_args['name']} {request.args['q']} {current_app.name}"

        async def awork():
            await asyncio.sleep(0)
            return work()

        plain, coroutine = copy_current_request_context(work), copy_current_request_context(awork)
        if how == "await":
            return await coroutine()
        if how == "create_task":
            return await asyncio.create_task(coroutine())
        if how == "to_thread":
            return await asyncio.to_thread(plain)
        with ThreadPoolExecutor(1) as pool:
            return await asyncio.get_running_loop().run_in_executor(pool, plain)

    assert client(app).get("/ada?q=7").text == f"ada 7 {app.name}"


def test_a_task_may_outlive_its_request(app, torn_down):
    async def main():
        async with app.test_request_context("/x"):
            g.name = "request"
            go_on = asyncio.Event()

            @copy_current_request_context
            async def work():
                g.name = "task"
                await go_on.wait()
                return request.path, g.name

            task = asyncio.create_task(work())
            await asyncio.sleep(0)
        assert not has_request_context()
        assert torn_down == [("request", None)]
        go_on.set()
        return await task

    assert asyncio.run(main()) == ("/x", "task")
    assert torn_down == [("request", None), ("task", None)]


def test_each_call_has_a_g_of_its_own_and_its_teardown_sees_its_error(app, torn_down):
    with app.test_request_context("/x"):
        g.name = "request"

        @copy_current_request_context
        async def work(name):
            assert "name" not in g
            g.name = name
            raise LookupError(name)

    async def main():
        return await asyncio.gather(work("one"), work("two"), return_exceptions=True)

    errors = asyncio.run(main())

    assert torn_down == [("request", None), ("one", errors[0]), ("two", errors[1])]
    assert [error.args for error in errors] == [("one",), ("two",)]


def test_a_cancelled_task_is_torn_down(app, torn_down):
    with app.test_request_context("/x"):

        @copy_current_request_context
        async def work():
            g.name = "task"
            await asyncio.Event().wait()

    async def main():
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(main())

    assert [name for name, _ in torn_down] == [None, "task"]
    assert isinstance(torn_down[1][1], asyncio.CancelledError)


def test_a_generator_has_the_context_while_it_works_and_nowhere_else(app, torn_down):
    with app.test_request_context("/x"):

        @copy_current_request_context
        def pieces(count):
            g.name = "pieces"
            for number in range(count):
                yield f"{request.path}{number}"

    found = []
    for piece in pieces(2):
        assert not has_request_context()
        assert len(torn_down) == 1
        found.append(piece)

    assert found == ["/x0", "/x1"]
    assert torn_down == [(None, None), ("pieces", None)]


def test_an_async_generator_has_the_context_while_it_works_and_nowhere_else(app, torn_down):
    with app.test_request_context("/x"):

        @copy_current_request_context
        async def pieces(count):
            g.name = "pieces"
            for number in range(count):
                await asyncio.sleep(0)
                yield f"{request.path}{number}"

    async def main():
        found = []
        async for piece in pieces(2):
            assert not has_request_context()
            found.append(piece)
        return found

    assert asyncio.run(main()) == ["/x0", "/x1"]
    assert torn_down == [(None, None), ("pieces", None)]


def test_a_generator_that_is_dropped_is_torn_down(app, torn_down):
    with app.test_request_context("/x"):

        @copy_current_request_context
        def pieces():
            g.name = "pieces"
            yield request.path
            yield "never"

    stream = pieces()
    assert next(stream) == "/x"
    del stream
    gc.collect()

    assert torn_down[1:] == [("pieces", None)]


def test_the_app_context_goes_into_an_executor_without_the_request(app, client):
    @app.get("/")
    def index():
        g.user = "ada"

        @copy_current_app_context
        def work(user):
            return [current_app.name, has_request_context(), "user" in g, user]

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(work, g.user).result()

    assert client(app).get("/").json == [app.name, False, False, "ada"]


def test_the_app_context_goes_into_a_task(app):
    async def main():
        async with app.app_context():

            @copy_current_app_context
            async def work():
                await asyncio.sleep(0)
                return current_app.name

            return await asyncio.create_task(work())

    assert asyncio.run(main()) == app.name


def test_copying_the_app_context_needs_one():
    with pytest.raises(ContextError, match=r"copy_current_app_context\(\) needs to know its application"):
        copy_current_app_context(len)


def test_a_job_finds_the_values_it_was_given(app, torn_down):
    def job(name):
        with app.context_for(name=name):
            return current_app.name, g.name

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(job, ["ada", "bob"])) == [(app.name, "ada"), (app.name, "bob")]
    assert sorted(torn_down) == [("ada", None), ("bob", None)]


def test_an_async_job_finds_the_values_it_was_given(app, torn_down):
    async def job(name):
        async with app.context_for(name=name):
            await asyncio.sleep(0)
            return g.name

    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job(name)) for name in ("ada", "bob")]
        assert not has_app_context()
        return [task.result() for task in tasks]

    assert asyncio.run(main()) == ["ada", "bob"]
    assert sorted(torn_down) == [("ada", None), ("bob", None)]


def test_a_value_may_have_any_name(app):
    with app.context_for(self=1, app=2):
        assert (g.self, g.app) == (1, 2)


def test_a_plain_thread_works_as_before(app):
    seen = []
    with app.test_request_context("/x"):
        session["user"] = "ada"
        work = copy_current_request_context(lambda: seen.append((request.path, session["user"])))
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    assert seen == [("/x", "ada")]


def test_names_and_docstrings_are_kept(app):
    async def work():
        """Do it."""

    with app.app_context():
        made = copy_current_app_context(work)

    assert (made.__name__, made.__doc__) == ("work", "Do it.")


def test_under_the_alias_an_async_function_becomes_one_to_call():
    app = Costrel("old")
    app._flask_defaults = True

    async def work():
        return current_app.name

    with app.app_context():
        made = copy_current_app_context(work)

    assert made() == "old"
