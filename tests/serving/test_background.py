"""Background tasks: after the response, in a context, logged when they fail, waited for at the end."""

from __future__ import annotations

import asyncio
import threading

import pytest
from werkzeug.test import Client

from costrel import current_app, g, has_request_context, request, send_file, session, stream_with_context
from costrel.serving.lifespan import aserving, end, serving
from costrel.serving.offload import kept_loop


@pytest.fixture(params=["sync view", "async view"])
def view(request):
    """Make a view of each kind, of what it does."""

    def make(function):
        if request.param == "sync view":
            return function

        async def view():
            return function()

        return view

    return make


@pytest.fixture(params=["sync task", "async task"])
def task(request):
    """Make a task of each kind, of what it does."""

    def make(function):
        if request.param == "sync task":
            return function

        async def task(*args, **kwargs):
            await asyncio.sleep(0)
            return function(*args, **kwargs)

        return task

    return make


@pytest.fixture
def until_done(app):
    """Wait until all tasks have ended."""
    return lambda: end(app)


def test_a_task_runs_with_its_arguments_after_the_response(app, client, view, task, until_done):
    events = []

    @app.get("/")
    @view
    def index():
        app.add_background_task(task(lambda *args, **kwargs: events.append((args, kwargs))), 1, two=2)
        assert not events
        return "answered"

    answer = client(app).get("/")
    answer.close()
    until_done()

    assert answer.text == "answered"
    assert events == [((1,), {"two": 2})]


def test_a_task_that_a_hook_adds_after_the_view_runs(app, client, view, task, until_done):
    done = []
    app.add_url_rule("/", "index", view(lambda: "answer"))

    @app.after_request
    def add(response):
        app.add_background_task(task(done.append), "ran")
        return response

    with client(app).get("/") as response:
        assert response.text == "answer"
    until_done()

    assert done == ["ran"]


def test_a_task_begins_though_a_test_does_not_close_the_response(app, client, until_done):
    events = []

    @app.get("/")
    def index():
        app.add_background_task(events.append, "task")
        return "answered"

    answer = client(app).get("/")
    until_done()
    assert events == ["task"]
    answer.close()
    until_done()

    assert events == ["task"]


def test_a_task_begins_when_the_body_was_sent(app, client, until_done):
    events = []

    @app.get("/")
    def index():
        app.add_background_task(lambda: events.append("task"))

        @stream_with_context
        def pieces():
            yield "one"
            events.append("sending")
            yield "two"

        return pieces()

    with client(app).get("/") as answer:
        assert answer.text == "onetwo"
    until_done()

    assert events == ["sending", "task"]


def test_a_task_begins_under_asgi_when_all_messages_were_sent(app):
    events = []

    @app.get("/")
    @app.get("/<kind>", endpoint="async")
    async def index(kind=""):
        async def task():
            events.append("task")

        app.add_background_task(task)
        return "answered"

    app.add_url_rule(
        "/sync/", view_func=lambda: (app.add_background_task(events.append, "task"), "answered")[1]
    )

    async def main(path):
        events.clear()
        async with aserving(app):
            await ask(app, path, events)

    for path in ("/", "/x", "/sync/"):
        asyncio.run(main(path))
        assert events == ["http.response.start", "http.response.body", "task"]


async def ask(app, path, events):
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "client": None,
        "server": None,
        "headers": [(b"host", b"localhost")],
    }

    async def send(message):
        await asyncio.sleep(0.01)  # time for a task that began too early
        events.append(message["type"])

    await app.asgi(scope, asyncio.Event().wait, send)


def test_a_task_follows_a_file(app, client, until_done, tmp_path):
    (tmp_path / "long.bin").write_bytes(bytes(200_000))
    events = []

    @app.get("/")
    def index():
        app.add_background_task(events.append, "task")
        return send_file(tmp_path / "long.bin")

    with client(app).get("/") as answer:
        assert len(answer.data) == 200_000
    until_done()

    assert events == ["task"]


@pytest.mark.parametrize("answer", ["", ("", 204), ("moved", 302, {"Location": "/x"}), {"json": 1}])
def test_a_task_follows_every_kind_of_answer(app, client, until_done, answer):
    events = []

    @app.get("/")
    def index():
        app.add_background_task(events.append, "task")
        return answer

    for method in ("get", "head"):
        getattr(client(app), method)("/").close()
    until_done()

    assert events == ["task", "task"]


def test_a_task_follows_an_error_that_was_answered(app, client, until_done, caplog):
    app.testing = False
    events = []

    @app.get("/")
    def index():
        app.add_background_task(events.append, "task")
        raise LookupError("the view")

    answer = client(app).get("/")
    answer.close()
    until_done()

    assert answer.status_code == 500
    assert events == ["task"]


def test_a_task_has_a_copy_of_the_requests_context_with_a_g_of_its_own(app, client, view, task, until_done):
    seen, torn_down = [], []

    @app.teardown_appcontext
    async def tell(error):
        torn_down.append(g.get("name"))

    def look():
        seen.append((current_app.name, request.args["q"], session["user"], "name" in g))
        g.name = "task"

    @app.get("/")
    @view
    def index():
        g.name, session["user"] = "request", "ada"
        app.add_background_task(task(look))
        return "answered"

    client(app).get("/?q=7").close()
    until_done()

    assert seen == [(app.name, "7", "ada", False)]
    assert torn_down == ["request", "task"]


def test_outside_a_request_a_task_begins_at_once_with_an_app_context(app, task, until_done):
    seen, begun = [], threading.Event()

    def look():
        seen.append((current_app.name, has_request_context()))
        begun.set()

    app.add_background_task(task(look))

    assert begun.wait(10)
    until_done()
    assert seen == [(app.name, False)]


def test_in_a_websocket_a_task_begins_at_once_with_an_app_context(app, task):
    seen, begun = [], threading.Event()

    def look():
        seen.append((current_app.name, has_request_context()))
        begun.set()

    @app.websocket("/")
    async def handler(ws):
        app.add_background_task(task(look))
        await ws.send(str(await asyncio.to_thread(begun.wait, 10)))

    with app.test_client().websocket("/") as ws:
        assert ws.receive() == "True"
    assert seen == [(app.name, False)]


def test_an_async_task_runs_on_the_loop_of_the_async_views(app, until_done):
    loops = []

    async def look():
        loops.append(asyncio.get_running_loop())

    @app.get("/")
    def index():
        app.add_background_task(look)
        return ""

    Client(app).get("/").close()
    until_done()

    async def main():
        async with aserving(app):
            await ask(app, "/", [])
        return asyncio.get_running_loop()

    assert asyncio.run(main()) is loops[1]
    assert loops[0] is kept_loop()


def test_a_sync_task_does_not_block_the_loop(app):
    go_on = threading.Event()

    @app.get("/")
    async def index():
        app.add_background_task(go_on.wait, 10)
        return ""

    async def main():
        async with aserving(app):
            await ask(app, "/", [])
            await asyncio.sleep(0)
            go_on.set()

    asyncio.run(main())


def test_a_wrapper_round_an_async_function_is_run_to_its_end(app, until_done):
    events = []

    async def work():
        await asyncio.sleep(0)
        events.append("done")

    app.add_background_task(lambda: work())
    until_done()

    assert events == ["done"]


def test_errors_are_logged_with_the_name_of_the_task(app, task, until_done, caplog):
    def fails():
        raise LookupError("no mail server")

    function = task(fails)
    app.add_background_task(function)
    until_done()

    (record,) = caplog.records
    assert record.getMessage() == f"Exception in background task {function.__qualname__}"
    assert record.exc_info[1].args == ("no mail server",)


def test_errors_may_be_reported_elsewhere(app, until_done, caplog):
    reported = []
    app.handle_background_exception = lambda error, func: reported.append((error.args, func))

    def fails():
        raise LookupError("x")

    app.add_background_task(fails)
    until_done()

    assert reported == [(("x",), fails)]
    assert not caplog.records


def test_an_error_of_the_report_is_logged(app, until_done, caplog):
    def broken(error, func):
        raise TypeError("broken")

    app.handle_background_exception = broken
    app.add_background_task(lambda: 1 / 0)
    until_done()

    assert caplog.records[-1].exc_info[0] is TypeError


def test_the_end_waits_for_tasks_and_for_those_they_add_before_the_functions_after_serving(app):
    events = []

    @app.after_serving
    def after():
        events.append("after")

    async def second():
        await asyncio.sleep(0.01)
        events.append("second")

    async def first():
        await asyncio.sleep(0.01)
        app.add_background_task(second)
        events.append("first")

    with serving(app):
        app.add_background_task(first)

    assert events == ["first", "second", "after"]


@pytest.mark.parametrize("how", ["by calling", "by awaiting"])
def test_what_takes_too_long_is_cancelled_and_logged(app, caplog, how):
    app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = 0.02
    events = []

    async def never():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            events.append("cleaned up")

    async def main():
        async with aserving(app):
            app.add_background_task(never)

    if how == "by awaiting":
        asyncio.run(main())
    else:
        with serving(app):
            app.add_background_task(never)

    assert events == ["cleaned up"]
    assert [record.getMessage().rpartition(".")[2] for record in caplog.records] == ["never was cancelled"]


def test_a_thread_that_takes_too_long_is_left_behind_and_logged(app, caplog):
    app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = 0.02
    go_on = threading.Event()

    with serving(app):
        app.add_background_task(go_on.wait, 10)
    go_on.set()

    (record,) = caplog.records
    assert "left behind" in record.getMessage()


def test_a_thread_that_was_left_behind_is_waited_for_once(app, caplog, monkeypatch):
    monkeypatch.setattr("costrel.serving.background._GRACE_SECONDS", 60)
    app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = 0.02
    go_on = threading.Event()

    async def never():
        await asyncio.Event().wait()

    with serving(app):
        app.add_background_task(go_on.wait, 10)
        app.add_background_task(never)
    app._background.end()  # as at the end of the process
    go_on.set()

    said = sorted(record.getMessage() for record in caplog.records)
    assert len(said) == 2
    assert "left behind" in said[0]
    assert "never was cancelled" in said[1]


def test_more_sync_tasks_than_threads_are_all_run(app, until_done):
    events = []
    for number in range(100):
        app.add_background_task(events.append, number)
    until_done()

    assert sorted(events) == list(range(100))


def test_a_task_that_an_async_view_made_itself_ends_though_the_view_has_answered(app, client):
    events, kept = [], set()

    @app.get("/")
    async def index():
        async def later():
            await asyncio.sleep(0.01)
            events.append("done")

        task = asyncio.create_task(later())
        kept.add(task)
        return ""

    @app.get("/wait")
    async def wait():
        await asyncio.wait(kept)
        return str(len(events))

    with client(app) as one:
        assert one.get("/").status_code == 200
        assert one.get("/wait").text == "1"
