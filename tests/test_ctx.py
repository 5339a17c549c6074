"""The context: pushed and popped, nested, copied, streamed from and torn down, and nothing of it left."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from costrel import (
    Costrel,
    Response,
    after_this_request,
    copy_current_request_context,
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
    stream_with_context,
    url_for,
)
from costrel._current import current
from costrel.ctx import AppContext, RequestContext, current_context
from costrel.errors import ContextError
from costrel.serving.offload import finish
from costrel.signals import appcontext_popped, appcontext_pushed


@pytest.fixture
def flask_app(app):
    """The application, as one made under the alias."""
    app._flask_defaults = True

    return app


@pytest.fixture
def torn_down(app):
    """What teardown functions were called with."""
    calls = []
    app.teardown_request(lambda exc: calls.append(("request", exc)))
    app.teardown_appcontext(lambda exc: calls.append(("app", exc)))

    return calls


@pytest.fixture(autouse=True)
def _nothing_is_left():
    assert current.get(None) is None
    yield
    assert current.get(None) is None


def send(app, path="/", **options):
    """Send a request as a server does; return the body, unread."""
    body, _, _ = run_wsgi_app(app, EnvironBuilder(path, **options).get_environ())

    return body


# Pushing and popping.


def test_app_context_names_its_application_and_no_request(app):
    with app.app_context() as ctx:
        assert current_app._get_current_object() is app is ctx.app
        assert has_app_context()
        assert not has_request_context()
        assert not ctx.has_request


def test_request_context_names_both(app):
    with app.test_request_context("/x?y=1") as ctx:
        assert request.path == "/x"
        assert current_app == app
        assert ctx.has_request
        assert has_request_context()
        assert ctx.environ["PATH_INFO"] == "/x"


def test_context_pushed_again_is_torn_down_at_the_last_pop(app, torn_down):
    ctx = app.test_request_context()

    with ctx:
        with ctx:
            assert request.path == "/"
        assert torn_down == []
        assert request.path == "/"

    assert torn_down == [("request", None), ("app", None)]


def test_context_may_be_used_again_after_its_end(app, torn_down):
    ctx = app.app_context()

    for _ in range(2):
        with ctx:
            pass

    assert torn_down == [("app", None)] * 2


def test_context_that_is_not_on_top_is_not_popped(app):
    outer, inner = app.test_request_context("/outer"), app.app_context()
    outer.push()
    inner.push()

    with pytest.raises(AssertionError, match="Popped wrong app context"):
        outer.pop()

    inner.pop()
    outer.pop()


def test_context_that_was_not_pushed_is_not_popped(app):
    with pytest.raises(AssertionError, match="Popped wrong app context"):
        app.app_context().pop()


def test_teardown_gets_the_error_of_the_block(app, torn_down):
    error = ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"), app.test_request_context():
        raise error

    assert torn_down == [("request", error), ("app", error)]


def test_pop_without_an_error_hands_over_the_one_being_handled(app, torn_down):
    ctx = app.app_context()
    ctx.push()
    error = ValueError()
    try:
        raise error
    except ValueError:
        ctx.pop()

    assert torn_down == [("app", error)]


def test_signals_tell_of_push_and_pop_once(app):
    calls = []

    def pushed(sender):
        calls.append("pushed")

    def popped(sender):
        calls.append("popped")

    with appcontext_pushed.connected_to(pushed, app), appcontext_popped.connected_to(popped, app):
        with app.app_context() as ctx, ctx:
            pass
        with app.test_request_context():
            pass
        app.test_client().get("/")

    assert calls == ["pushed", "popped"] * 3


def test_context_whose_push_fails_is_not_left(app):
    class Broken(app.session_interface.__class__):
        def open_session(self, app, request):
            raise OSError("no store")

    app.session_interface = Broken()

    with pytest.raises(OSError, match="no store"), app.test_request_context():
        raise AssertionError("never reached")


def test_attributes_may_be_set_on_a_context(app):
    with app.test_request_context() as ctx:
        ctx.user = "ada"
        assert current.get().user == "ada"


# What belongs to a context.


def test_each_context_has_a_g_of_its_own(app):
    with app.app_context():
        g.name = "outer"
        with app.app_context():
            assert "name" not in g
            g.name = "inner"
        assert g.name == "outer"
    with app.app_context():
        assert g.get("name") is None


def test_request_inside_of_an_app_context_has_its_own_g(app):
    with app.app_context():
        g.name = "outer"
        with app.test_request_context():
            assert "name" not in g


def test_under_the_alias_it_shares_the_g_around_it_and_its_teardown(flask_app, torn_down):
    with flask_app.app_context():
        g.name = "outer"
        with flask_app.test_request_context():
            assert g.name == "outer"
            g.more = "inner"
        assert torn_down == [("request", None)]
        assert g.more == "inner"

    assert torn_down == [("request", None), ("app", None)]


def test_under_the_alias_another_applications_g_is_not_shared(flask_app):
    other = Costrel("other")

    with other.app_context():
        g.name = "other's"
        with flask_app.test_request_context():
            assert "name" not in g


def test_request_served_inside_of_an_app_context_does_not_see_its_g(app):
    app.add_url_rule("/", "index", lambda: str("name" in g))

    with app.app_context():
        g.name = "outer"
        assert app.test_client().get("/").text == "False"


def test_app_context_inside_of_a_request_keeps_it(app):
    app.add_url_rule("/there", "there", lambda: "")

    with app.test_request_context("/here?q=1", base_url="http://shop.example/mount"):
        session["name"] = "ada"
        with app.app_context() as inner:
            assert has_request_context()
            assert request.args["q"] == "1"
            assert session["name"] == "ada"
            assert inner.request is request._get_current_object()
            assert url_for("there") == "/mount/there"
            assert url_for("there", _external=True) == "http://shop.example/mount/there"


def test_app_context_outside_of_a_request_has_none(app):
    with app.app_context() as ctx, pytest.raises(ContextError, match="request context"):
        ctx.request


def test_request_context_is_matched_and_opened_when_asked_for(app):
    app.add_url_rule("/u/<int:n>", "user", lambda n: "")

    with app.test_request_context("/u/7"):
        assert (request.endpoint, request.view_args) == ("user", {"n": 7})
    with app.test_request_context("/nowhere"):
        assert request.routing_exception.code == 404


def test_made_up_request_takes_what_a_client_takes(app):
    with app.test_request_context("/x", method="PUT", json={"a": 1}, headers={"X-Own": "1"}):
        assert (request.method, request.get_json(), request.headers["X-Own"]) == ("PUT", {"a": 1}, "1")


def test_request_and_session_given_to_a_context_are_used(app):
    environ = EnvironBuilder("/x").get_environ()
    own_request, own_session = app.request_class(environ), {"name": "ada"}

    with RequestContext(app, environ, request=own_request, session=own_session):
        assert request._get_current_object() is own_request
        assert session._get_current_object() is own_session


def test_repr_names_the_application_and_the_request(app):
    app.name = "shop"

    assert repr(app.app_context()).startswith("<AppContext 0x")
    assert repr(app.test_request_context("/x")) == "<RequestContext 'http://localhost/x' [GET] of shop>"


# Copies and threads.


def test_copy_is_of_the_same_request_and_session(app):
    with app.test_request_context("/x") as ctx:
        session["name"] = "ada"
        copy = ctx.copy()

    with copy:
        assert copy is not ctx
        assert request.path == "/x"
        assert session["name"] == "ada"


def test_copied_context_serves_many_threads_at_once(app):
    barrier = threading.Barrier(4)

    @app.get("/<name>")
    def index(name):
        @copy_current_request_context
        def work(number):
            barrier.wait(timeout=10)
            g.number = number
            barrier.wait(timeout=10)
            return f"{request.view_args['name']} {g.number}"

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(work, range(4)))

    assert app.test_client().get("/ada").get_json() == [f"ada {number}" for number in range(4)]


def test_copied_context_outlives_its_request(app, torn_down):
    kept = []

    @app.get("/<name>")
    def index(name):
        kept.append(copy_current_request_context(lambda: request.view_args["name"]))
        return ""

    client = app.test_client()
    client.get("/ada")
    client.get("/eve")

    assert [function() for function in kept] == ["ada", "eve"]
    assert len(torn_down) == 8


def test_async_function_that_was_given_the_context_is_one_to_call_under_the_alias(flask_app):
    with flask_app.test_request_context("/x"):

        @copy_current_request_context
        async def work():
            return request.path

    assert work() == "/x"


def test_copying_and_after_this_request_need_a_request(app):
    with app.app_context():
        with pytest.raises(
            ContextError, match=r"copy_current_request_context\(\) needs an active HTTP request"
        ):
            copy_current_request_context(len)
        with pytest.raises(ContextError, match=r"after_this_request\(\) needs an active HTTP request"):
            after_this_request(len)


# Every ending.


def endings(app):
    """Add a view for each way in which a request may end."""

    def leave(error):
        def view():
            raise error

        return view

    app.add_url_rule("/ok", "ok", lambda: "ok")
    app.add_url_rule("/error", "error", leave(ValueError("wrong")))
    app.add_url_rule("/exit", "exit", leave(SystemExit(3)))
    app.add_url_rule("/interrupt", "interrupt", leave(KeyboardInterrupt()))
    app.add_url_rule("/base", "base", leave(BaseException("strange")))
    app.add_url_rule("/exhausted", "exhausted", lambda: stream_with_context(iter("ab")))
    app.logger.disabled = True
    app.testing = False


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/ok", type(None)),
        ("/missing", type(None)),
        ("/error", ValueError),
        ("/exit", SystemExit),
        ("/interrupt", KeyboardInterrupt),
        ("/base", BaseException),
        ("/exhausted", type(None)),
    ],
)
def test_teardown_runs_once_in_every_ending_and_sees_the_error(app, torn_down, path, kind):
    endings(app)

    if kind in (KeyboardInterrupt, BaseException):
        with pytest.raises(kind):
            send(app, path)
    else:
        b"".join(send(app, path))

    assert [name for name, _ in torn_down] == ["request", "app"]
    assert all(type(exc) is kind or isinstance(exc.__cause__, kind) for _, exc in torn_down)


def test_ignored_error_is_kept_from_teardown(app, torn_down):
    endings(app)
    app.should_ignore_error = lambda error: True

    send(app, "/error")

    assert [exc for _, exc in torn_down] == [None, None]


def test_view_that_leaves_a_context_pushed_does_not_spoil_the_next_request(app, torn_down):
    @app.get("/")
    def index():
        app.app_context().push()
        current.get().push()
        return "hello"

    for _ in range(2):
        send(app)
        assert current.get(None) is None

    assert [name for name, _ in torn_down] == ["app", "request", "app"] * 2


def test_view_that_pushes_its_own_context_again_ends_with_the_request(app, torn_down):
    @app.get("/")
    def index():
        current.get().push()
        return "hello"

    send(app)

    assert [name for name, _ in torn_down] == ["request", "app"]


def stream_of(app):
    @app.get("/")
    def index():
        @stream_with_context
        def pieces():
            try:
                yield request.path
                yield "more"
            except GeneratorExit:
                g.closed = True
                raise

        return Response(pieces())


@pytest.mark.parametrize("ending", ["exhausted", "closed early", "never read", "dropped", "dropped half way"])
def test_stream_is_torn_down_exactly_once(app, torn_down, ending):
    stream_of(app)

    body = send(app)
    assert torn_down == []
    pieces = iter(body)
    if ending == "exhausted":
        assert b"".join(pieces) == b"/more"
    elif ending != "never read" and ending != "dropped":
        assert next(pieces) == b"/"
    if not ending.startswith("dropped"):
        body.close()
        body.close()
    del body, pieces
    gc.collect()

    assert torn_down == [("request", None), ("app", None)]


def test_abandoned_stream_leaves_the_thread_to_the_next_request(app, torn_down):
    stream_of(app)

    abandoned = send(app)
    next(iter(abandoned))
    assert current.get(None) is None
    assert b"".join(send(app)) == b"/more"

    assert len(torn_down) == 2
    abandoned.close()
    assert len(torn_down) == 4


# On an event loop.


@pytest.fixture
def torn_down_async(app):
    """What teardown functions were called with, half of them async, and the request they saw."""
    calls = []

    @app.teardown_request
    async def of_request(exc):
        await asyncio.sleep(0)
        calls.append(("request", exc, request.path))

    @app.teardown_appcontext
    def of_app(exc):
        calls.append(("app", exc, request.path))

    return calls


async def test_apop_awaits_async_teardown_functions(app, torn_down_async):
    ctx = app.test_request_context("/here")
    ctx.push()

    await ctx.apop()

    assert torn_down_async == [("request", None, "/here"), ("app", None, "/here")]


async def test_apop_hands_on_its_error_or_the_one_being_handled(app, torn_down):
    given, handled = LookupError(), KeyError()
    ctx = app.test_request_context()
    ctx.push()
    await ctx.apop(given)
    ctx = app.test_request_context()
    ctx.push()

    try:
        raise handled
    except KeyError:
        await ctx.apop()

    assert [exc for _, exc in torn_down] == [given, given, handled, handled]


async def test_apop_undoes_one_push(app, torn_down):
    ctx = app.app_context()
    ctx.push()
    ctx.push()

    await ctx.apop()
    assert current.get(None) is ctx
    assert torn_down == []
    await ctx.apop()

    assert torn_down == [("app", None)]


async def test_apop_of_a_context_that_is_not_the_current_one_is_refused(app):
    with app.app_context(), pytest.raises(AssertionError, match="wrong app context"):
        await app.app_context().apop()


async def test_apop_calls_sync_teardown_functions_where_it_is_told(app, torn_down_async):
    async def in_thread(function, *args):
        before = list(torn_down_async)
        result = function(*args)
        sent.append(torn_down_async[len(before) :])
        return result

    sent = []
    ctx = app.test_request_context("/here")
    ctx.push()

    await ctx.apop(in_thread=in_thread)

    assert sent == [[("app", None, "/here")]]


async def test_context_held_by_a_stream_is_torn_down_at_the_release(app, torn_down_async):
    ctx = app.test_request_context("/here")
    ctx.push()
    ctx.hold()
    ctx.hold()
    await ctx.apop()
    assert current.get(None) is None

    await ctx.arelease()
    assert torn_down_async == []
    error = LookupError()
    await ctx.arelease(error)

    assert torn_down_async == [("request", error, "/here"), ("app", error, "/here")]


async def test_release_before_the_pop_tears_nothing_down(app, torn_down_async):
    ctx = app.test_request_context("/here")
    ctx.push()
    ctx.hold()

    await ctx.arelease()
    assert torn_down_async == []
    await ctx.apop()

    assert len(torn_down_async) == 2


async def test_overridden_teardown_methods_are_called_on_an_event_loop_too(torn_down_async, app):
    def do_teardown_request(exc=None):
        calls.append(("overridden", exc))
        original(exc)

    calls, original = [], app.do_teardown_request
    app.do_teardown_request = do_teardown_request
    ctx = app.test_request_context("/here")
    ctx.push()

    await ctx.apop()

    assert calls == [("overridden", None)]
    assert torn_down_async == [("request", None, "/here"), ("app", None, "/here")]


async def test_cancelled_teardown_still_runs_the_functions_that_are_left(app):
    @app.teardown_appcontext
    def last(exc):
        ran.append("last")

    @app.teardown_appcontext
    async def first(exc):
        waiting.set()
        await asyncio.Event().wait()

    async def leave():
        ctx = app.app_context()
        ctx.push()
        await ctx.apop()

    ran, waiting = [], asyncio.Event()
    task = asyncio.ensure_future(leave())
    await waiting.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ran == ["last"]


# In a client's block.


def test_in_a_clients_block_the_context_stays_until_the_next_request(app, torn_down):
    app.add_url_rule("/<name>", "index", lambda name: name)

    with app.test_client() as client:
        client.get("/ada")
        assert request.view_args == {"name": "ada"}
        client.get("/eve")
        assert request.view_args == {"name": "eve"}
        ended = len(torn_down)

    assert len(torn_down) > ended
    assert not has_request_context()


# Nothing is left.


FREED = [
    "/",
    "/error",
    "/handled",
    "/missing",
    "/json",
    "/session",
    "/stream",
    "/g",
    "/async",
    "/async-error",
    "/raised-again",
    "/async-raised-again",
]


@pytest.fixture
def _no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("path", FREED)
@pytest.mark.parametrize("hooks", [False, True], ids=["no hooks", "hooks"])
def test_request_and_context_are_freed_without_the_collector(app, path, hooks):
    kept = []
    app.testing = False
    app.logger.disabled = True
    app.register_error_handler(LookupError, lambda error: "handled")

    def remember():
        kept.append(weakref.ref(current.get()))
        kept.append(weakref.ref(current.get().request))

    app.before_request(remember)
    if hooks:
        app.after_request(lambda response: response)
        app.teardown_request(lambda exc: None)

    def fails():
        raise ValueError

    def fails_lookup():
        raise LookupError

    async def later():
        return "hello"

    async def fails_later():
        raise ValueError

    async def raises_again(error):
        raise  # noqa: PLE0704  # the error that is being handled

    def fails_key():
        raise KeyError

    async def fails_key_later():
        raise KeyError

    app.register_error_handler(KeyError, raises_again)
    app.add_url_rule("/raised-again", "raised_again", fails_key)
    app.add_url_rule("/async-raised-again", "async_raised_again", fails_key_later)
    app.add_url_rule("/async", "async", later)
    app.add_url_rule("/async-error", "async_error", fails_later)

    def counts():
        session["count"] = 1
        return "counted"

    def remembers():
        g.response = Response("kept")
        g.app_ctx = 1
        return g.response

    app.add_url_rule("/", "index", lambda: "hello")
    app.add_url_rule("/error", "error", fails)
    app.add_url_rule("/handled", "handled", fails_lookup)
    app.add_url_rule("/json", "json", lambda: {"path": request.path, "form": request.form})
    app.add_url_rule("/session", "session", counts)
    app.add_url_rule("/stream", "stream", lambda: stream_with_context(iter("ab")))
    app.add_url_rule("/g", "g", remembers)

    b"".join(send(app, path))
    # The loop's own thread lets go of what it did when it gets to run.
    deadline = monotonic() + 30
    while any(ref() is not None for ref in kept) and monotonic() < deadline:
        finish(asyncio.sleep(0))

    assert len(kept) == 2
    assert [ref() for ref in kept] == [None, None]


@pytest.mark.usefixtures("_no_collector")
def test_application_contexts_are_freed_without_the_collector(app):
    with app.app_context() as ctx:
        g.name = "ada"
        kept = weakref.ref(ctx)
    del ctx

    assert kept() is None


def test_plain_context_is_the_base_of_a_requests():
    assert issubclass(RequestContext, AppContext)


def test_the_current_context_has_what_the_proxies_stand_for(app):
    app.secret_key = "a key for tests"

    assert current_context() is None
    with app.test_request_context("/a"):
        outer = current_context()
        assert (outer.app, outer.g) == (current_app, g._get_current_object())
        assert (outer.has_request, outer.request.path, outer.session) == (True, "/a", session)
        with app.app_context():
            inner = current_context()
            assert inner is not outer
            assert (inner.g, inner.request, inner.session) == (g, outer.request, outer.session)
    with app.app_context():
        assert not current_context().has_request
        with pytest.raises(ContextError):
            _ = current_context().request


def test_a_request_that_is_pushed_again_begins_with_an_empty_g(app):
    ctx = app.test_request_context("/")
    with ctx:
        g.name = "ada"
        with ctx:
            assert g.name == "ada"

    with ctx:
        assert "name" not in g


def test_a_client_that_keeps_the_context_sees_the_g_of_the_request(app, client):
    @app.get("/")
    def index():
        g.name = "ada"
        return "hello"

    with client(app) as kept:
        kept.get("/")
        assert g.name == "ada"
