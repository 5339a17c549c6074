"""``teardown_this_context``: what one context opened goes with it, once, whatever its ending."""

from __future__ import annotations

from contextvars import copy_context

import pytest

from costrel import current_app, g, stream_with_context
from costrel.core.app_methods import use_fast_lane
from costrel.ctx import teardown_this_context
from costrel.errors import ContextError


@pytest.fixture(params=["fast", "general"])
def lane(request, pytestconfig):
    use_fast_lane(request.param == "fast" and pytestconfig.getoption("lane") == "fast")
    yield
    use_fast_lane(pytestconfig.getoption("lane") == "fast")


@pytest.fixture
def told():
    return []


def opens(told, name="own"):
    teardown_this_context(lambda error: told.append((name, type(error).__name__)))


@pytest.mark.usefixtures("lane")
@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_it_is_called_once_after_the_functions_of_the_application(app, client, told, path):
    app.teardown_request(lambda error: told.append(("request", type(error).__name__)))
    app.teardown_appcontext(lambda error: told.append(("app", type(error).__name__)))

    @app.get("/sync")
    def sync_view():
        opens(told)
        return "done"

    @app.get("/async")
    async def async_view():
        opens(told)
        return "done"

    assert client(app).get(path).text == "done"
    assert told == [("request", "NoneType"), ("app", "NoneType"), ("own", "NoneType")]


@pytest.mark.usefixtures("lane")
@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_it_is_called_without_any_other_teardown_and_for_this_request_only(app, client, told, path):
    @app.get("/sync")
    def sync_view():
        return "done"

    @app.get("/async")
    async def async_view():
        return "done"

    @app.before_request
    def open_for_the_first():
        if "first" not in app.extensions:
            app.extensions["first"] = True
            opens(told)

    browser = client(app)
    for _ in range(3):
        assert browser.get(path).text == "done"

    assert told == [("own", "NoneType")]


@pytest.mark.usefixtures("lane")
@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_it_is_told_of_the_error(app, client, told, path):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.logger.disabled = True

    @app.get("/sync")
    def sync_view():
        opens(told)
        raise KeyError("sync")

    @app.get("/async")
    async def async_view():
        opens(told)
        raise KeyError("async")

    assert client(app).get(path).status_code == 500
    assert len(told) == 1


@pytest.mark.usefixtures("lane")
@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_function_may_be_async_and_sees_the_context(app, client, told, path):
    def begin():
        async def close(error):
            told.append((current_app.name, g.name))

        g.name = path
        teardown_this_context(close)

    @app.get("/sync")
    def sync_view():
        begin()
        return "done"

    @app.get("/async")
    async def async_view():
        begin()
        return "done"

    client(app).get(path)

    assert told == [(app.name, path)]


def test_the_last_one_goes_first_and_one_may_register_another(app, told):
    with app.app_context():
        opens(told, "first")
        teardown_this_context(lambda error: opens(told, "third"))
        opens(told, "second")

    assert [name for name, _ in told] == ["second", "third", "first"]


def test_what_a_teardown_of_the_application_opens_is_closed_too(app, told):
    app.teardown_appcontext(lambda error: opens(told))

    with app.app_context():
        pass

    assert told == [("own", "NoneType")]


def test_all_are_called_though_one_fails(app, told):
    def fails(error):
        raise LookupError("at the end")

    app.teardown_appcontext(lambda error: 1 / 0)
    app.logger.disabled = True

    with pytest.raises(ZeroDivisionError), app.app_context():
        opens(told)
        teardown_this_context(fails)

    assert told == [("own", "NoneType")]


def test_stream_keeps_it_until_its_last_byte(app, client, told):
    @app.get("/")
    def index():
        opens(told)

        def pieces():
            yield f"{len(told)}"
            yield f"{len(told)}"

        return stream_with_context(pieces())

    assert client(app).get("/").text == "00"
    assert told == [("own", "NoneType")]


def test_a_context_inside_of_another_has_its_own(app, told):
    with app.app_context():
        opens(told, "outer")
        with app.app_context():
            opens(told, "inner")
        assert [name for name, _ in told] == ["inner"]

    assert [name for name, _ in told] == ["inner", "outer"]


def test_under_the_alias_a_request_leaves_it_to_the_context_whose_g_it_shares(app, told):
    app._flask_defaults = True

    with app.app_context():
        with app.test_request_context():
            opens(told)
        assert told == []

    assert told == [("own", "NoneType")]


def test_context_that_is_used_again_calls_only_what_is_new(app, told):
    ctx = app.app_context()
    for name in ("first", "second"):
        with ctx:
            opens(told, name)

    assert [name for name, _ in told] == ["first", "second"]


async def test_websocket_closes_it_at_its_end(app, told):
    @app.websocket("/ws")
    async def echo(ws):
        opens(told)
        await ws.send("open")
        async for _ in ws:
            pass

    async with app.async_test_client().websocket("/ws") as ws:
        await ws.receive()
        assert told == []

    assert told == [("own", "NoneType")]


def test_outside_of_a_context_it_says_what_to_do():
    with pytest.raises(ContextError, match=r"teardown_this_context\(\) needs to know its application"):
        teardown_this_context(print)


@pytest.mark.usefixtures("lane")
@pytest.mark.parametrize("path", ["/sync", "/async", "/stream"])
def test_a_thread_that_outlives_its_context_is_refused(app, client, told, path):
    contexts = []

    @app.get("/sync")
    def sync_view():
        contexts.append(copy_context())
        return "done"

    @app.get("/async")
    async def async_view():
        contexts.append(copy_context())
        return "done"

    @app.get("/stream")
    def stream():
        def pieces():
            yield "do"
            opens(told)
            yield "ne"

        contexts.append(copy_context())
        return stream_with_context(pieces())

    assert client(app).get(path).text == "done"
    with pytest.raises(ContextError, match="the context is over") as caught:
        contexts[0].run(opens, told)

    assert "copy_current_app_context" in caught.value.hint
    assert told == ([("own", "NoneType")] if path == "/stream" else [])
