"""The fast lane and the general lane do the same, over WSGI and over ASGI.

Generated applications are asked the same over all four.
"""

from __future__ import annotations

import asyncio
import gc
import re
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from costrel import (
    Blueprint,
    Costrel,
    Request,
    Response,
    abort,
    after_this_request,
    flash,
    g,
    get_flashed_messages,
    redirect,
    request,
    session,
    stream_with_context,
    url_for,
)
from costrel import signals as all_signals
from costrel._current import current
from costrel.core import app_methods
from costrel.core.app_methods import use_fast_lane
from costrel.serving.offload import finish
from costrel.sessions import SecureCookieSession, SessionInterface

SCOPES = ("app", "outer", "inner")
PREFIX = {"app": "", "outer": "/outer", "inner": "/outer/inner"}
SIGNALS = (
    "appcontext_pushed",
    "appcontext_popped",
    "appcontext_tearing_down",
    "got_request_exception",
    "request_finished",
    "request_started",
    "request_tearing_down",
)


class Refused(LookupError):
    """An application's own error, with a base that has handlers too."""


@dataclass(frozen=True)
class Hook:
    scope: str
    kind: str
    does: str
    is_async: bool


@dataclass(frozen=True)
class Handler:
    scope: str
    catches: Any
    does: str
    is_async: bool


@dataclass(frozen=True)
class View:
    scope: str
    rule: str
    does: str
    methods: tuple[str, ...]
    is_async: bool


@dataclass(frozen=True)
class Plan:
    """An application, as data."""

    hooks: tuple[Hook, ...]
    handlers: tuple[Handler, ...]
    views: tuple[View, ...]
    signals: frozenset[str]
    receivers_are_async: bool
    config: tuple[tuple[str, Any], ...]
    own_classes: frozenset[str]


@dataclass(frozen=True)
class Ask:
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    environ: tuple[tuple[str, str], ...] = ()


RULES = ("/", "/plain", "/folder/", "/number/<int:n>", "/any/<path:n>")
PATH_OF = dict(zip(RULES, ("/", "/plain", "/folder/", "/number/7", "/any/a/b"), strict=True))
PATHS = (
    "/",
    "/plain",
    "/plain/",
    "/folder/",
    "/folder",
    "/number/7",
    "/number/x",
    "/any/a/b",
    "/none",
    "//plain",
)
METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT")


def wsgi_callable(environ, start_response):
    start_response("202 Accepted", [("Content-Type", "text/plain")])
    return [b"wsgi"]


def raising_stream():
    yield "begun"
    raise Refused("in the stream")


def session_stream():
    yield request.path
    yield str(dict(session))


class Own:
    """Any behaviour of a view, by its name."""

    def __init__(self, log):
        self.log = log

    def text(self):
        return "text"

    def bytes(self):
        return b"bytes"

    def dict(self):
        return {"a": 1}

    def list(self):
        return [1, None]

    def status(self):
        return "made", 201

    def headers(self):
        return "more", {"X-More": "1", "X-Frame-Options": "DENY"}

    def all_three(self):
        return {"b": 2}, "299 Odd", [("X-More", "2")]

    def response(self):
        return Response("response", status=203)

    def foreign_response(self):
        return WerkzeugResponse("foreign", status=206)

    def wsgi(self):
        return wsgi_callable

    def generator(self):
        return (str(number) for number in range(3))

    def stream(self):
        return stream_with_context(session_stream())

    def stream_that_raises(self):
        return stream_with_context(raising_stream())

    def error_returned(self):
        return HTTPException("returned", Response("inside", status=409))

    def nothing(self):
        return None

    def number(self):
        return 7

    def long_tuple(self):
        return "a", 200, {}, "b"

    def raise_refused(self):
        raise Refused("no")

    def raise_key(self):
        raise KeyError("key")

    def divide(self):
        return 1 // 0

    def abort_404(self):
        abort(404)

    def abort_418(self):
        abort(418, "short and stout")

    def abort_response(self):
        abort(Response("aborted", status=410))

    def exit(self):
        raise SystemExit(3)

    def redirect(self):
        return redirect("/plain")

    def form(self):
        return request.form["lacking"]

    def session_write(self):
        session["count"] = session.get("count", 0) + 1
        return f"count {session['count']}"

    def session_read(self):
        return str(sorted(session))

    def session_clear(self):
        session.clear()
        return "cleared"

    def flash(self):
        flash("seen")
        return str(get_flashed_messages())

    def urls(self):
        return url_for(request.endpoint, _external=True, **(request.view_args or {}), q="ä")

    def arguments(self):
        return f"{request.endpoint} {request.blueprints} {request.view_args} {request.args}"

    def later(self):
        @after_this_request
        def mark(response):
            self.log.append("after this")
            response.headers["X-Later"] = "1"
            return response

        return "later"

    def later_raises(self):
        after_this_request(lambda response: response.headers["lacking"])
        return "later"

    def globals(self):
        g.seen = [*g.get("seen", []), 1]
        return str(g.seen)

    def in_app_context(self):
        with current.get().app.app_context():
            return url_for("static", filename="x")

    def app_context_left(self):
        current.get().app.app_context().push()
        return "left"


VIEW_DOES = sorted(name for name in vars(Own) if not name.startswith("_"))
HOOK_DOES = {
    "preprocess": ["pass", "pass", "raise_refused", "abort_404", "rename"],
    "before": ["pass", "pass", "pass", *VIEW_DOES],
    "unsafe": ["pass", "pass", "pass", *VIEW_DOES],
    "after": ["pass", "pass", "raise_refused", "abort_418", "session_write", "replace", "foreign"],
    "teardown": ["pass", "pass", "raise_refused", "session_read"],
    "teardown_app": ["pass", "divide"],
}
HANDLER_DOES = [
    "text",
    "status",
    "same",
    "again",
    "text",
    "raise_key",
    "abort_418",
    "response",
    "nothing",
    "session_write",
]
CATCHES = (403, 404, 405, 418, 500, HTTPException, KeyError, LookupError, Refused, Exception)

hooks = st.sampled_from(sorted(HOOK_DOES)).flatmap(
    lambda kind: st.builds(
        Hook, st.sampled_from(SCOPES), st.just(kind), st.sampled_from(HOOK_DOES[kind]), st.booleans()
    )
)
handlers = st.builds(
    Handler, st.sampled_from(SCOPES), st.sampled_from(CATCHES), st.sampled_from(HANDLER_DOES), st.booleans()
)
views = st.builds(
    View,
    st.sampled_from(SCOPES),
    st.sampled_from(RULES),
    st.sampled_from(VIEW_DOES),
    st.sampled_from([("GET",), ("POST",), ("GET", "POST"), ("OPTIONS", "GET")]),
    st.booleans(),
)
CONFIG = {
    "SECRET_KEY": ["key", "key", None],
    "SECURITY_HEADERS": [True, False, {"X-Frame-Options": "SAMEORIGIN", "X-Own": "1"}],
    "CROSS_ORIGIN_CHECK": [True, False],
    "RELATIVE_REDIRECTS": [True, False],
    "PROPAGATE_EXCEPTIONS": [None, False, True],
    "TESTING": [False, True],
    "TRAP_HTTP_EXCEPTIONS": [False, False, True],
    "TRAP_BAD_REQUEST_ERRORS": [None, True],
    "SESSION_REFRESH_EACH_REQUEST": [True, False],
    "TRUSTED_HOSTS": [None, None, ["localhost"], ["other.example"]],
    "SERVER_NAME": [None, None, "localhost"],
}
configs = st.lists(
    st.sampled_from(sorted(CONFIG)).flatmap(
        lambda key: st.tuples(st.just(key), st.sampled_from(CONFIG[key]))
    ),
    max_size=3,
).map(lambda chosen: (("SECRET_KEY", "key"), *chosen))
plans = st.builds(
    Plan,
    st.lists(hooks, max_size=5).map(tuple),
    st.lists(handlers, max_size=4).map(tuple),
    st.lists(views, min_size=1, max_size=4).map(tuple),
    st.sets(st.sampled_from(SIGNALS), max_size=3).map(frozenset),
    st.booleans(),
    configs,
    st.sets(st.sampled_from(["request", "response", "session", "plain_session"]), max_size=1).map(frozenset),
)
HEADERS = (
    (("Sec-Fetch-Site", "cross-site"),),
    (("Origin", "http://evil.example"),),
    (("Host", "other.example"),),
    (("Host", "ba d"),),
)
headers = st.just(()) | st.sampled_from(HEADERS)
ENVIRON = (
    (("REQUEST_METHOD", "get"),),
    (("REQUEST_METHOD", "options"),),
    (("PATH_INFO", "/\xff"),),
    (("PATH_INFO", ""),),
    (("SCRIPT_NAME", "/root"),),
    (("wsgi.url_scheme", "https"),),
    (("HTTP_UPGRADE", "websocket"), ("HTTP_CONNECTION", "Upgrade")),
    (("HTTP_COOKIE", "session=tampered"),),
)
environs = st.just(()) | st.sampled_from(ENVIRON)


@st.composite
def plans_with_requests(draw):
    """Draw an application, and requests most of which have a view there."""
    plan = draw(plans)
    any_ask = st.builds(
        lambda method, scope, path, sent, environ: Ask(method, PREFIX[scope] + path, sent, environ),
        st.sampled_from(METHODS),
        st.sampled_from(SCOPES),
        st.sampled_from(PATHS),
        headers,
        environs,
    )
    fitting = st.builds(
        lambda view, sent, environ: Ask(
            view.methods[0], PREFIX[view.scope] + PATH_OF[view.rule], sent, environ
        ),
        st.sampled_from(plan.views),
        headers,
        environs,
    )

    return plan, draw(st.lists(fitting | fitting | any_ask, min_size=1, max_size=3))


class OwnRequest(Request):
    """A request class of the application's."""


class OwnResponse(Response):
    """A response class of the application's."""


class OwnSessions(SessionInterface):
    """Keeps nothing, but is opened with every request."""

    def __init__(self, log):
        self.log = log

    def open_session(self, app, request):
        self.log.append(f"open session of {request.path}")
        return SecureCookieSession({"opened": True})

    def save_session(self, app, session, response):
        self.log.append(f"save session {dict(session)}")
        response.headers["X-Session"] = str(session.modified)


class PlainSessions(OwnSessions):
    """Hands out what is no session class."""

    def open_session(self, app, request):
        self.log.append("open")
        return {}

    def save_session(self, app, session, response):
        self.log.append(f"save {session}")


def build(plan, log):
    """Make the application of a plan; everything that is called writes to the log."""
    app = Costrel("lanes", static_folder="static", root_path="/nowhere")
    app.config.update(plan.config)
    app.logger.disabled = True
    if "request" in plan.own_classes:
        app.request_class = OwnRequest
    if "response" in plan.own_classes:
        app.response_class = OwnResponse
    if "session" in plan.own_classes:
        app.session_interface = OwnSessions(log)
    if "plain_session" in plan.own_classes:
        app.session_interface = PlainSessions(log)

    scopes = {
        "app": app,
        "outer": Blueprint("outer", "lanes", url_prefix="/outer", root_path="/nowhere"),
        "inner": Blueprint("inner", "lanes", url_prefix="/inner", root_path="/nowhere"),
    }
    own = Own(log)
    for number, hook in enumerate(plan.hooks):
        add_hook(scopes[hook.scope], hook, own, f"{hook.kind} {number}")
    for number, handler in enumerate(plan.handlers):
        function = handler_function(handler, own, f"handler {number}")
        scopes[handler.scope].register_error_handler(handler.catches, function)
    for number, view in enumerate(plan.views):
        function = view_function(view, own, f"view {number}")
        scopes[view.scope].add_url_rule(view.rule, f"view{number}", function, methods=view.methods)
    scopes["outer"].register_blueprint(scopes["inner"])
    app.register_blueprint(scopes["outer"])

    return app


def either(function, is_async):
    """Make a coroutine function of a function, or leave it."""
    if not is_async:
        return function

    async def coroutine_function(*args, **kwargs):
        return function(*args, **kwargs)

    return coroutine_function


def view_function(view, own, name):
    def called(**values):
        own.log.append(f"{name} {values}")
        return getattr(own, view.does)()

    return either(called, view.is_async)


def handler_function(handler, own, name):
    def called(error):
        own.log.append(f"{name} {type(error).__name__} {getattr(error, 'original_exception', None)!r}")
        if handler.does == "same":
            return error
        if handler.does == "again":
            raise error
        return getattr(own, handler.does)()

    return either(called, handler.is_async)


def add_hook(scope, hook, own, name):
    def called(*args):
        own.log.append(f"{name} {[type(arg).__name__ for arg in args]}")
        if hook.does == "rename":
            args[1] and args[1].update(n="renamed")
        elif hook.does == "replace":
            return Response("replaced")
        elif hook.does == "foreign":
            return WerkzeugResponse("foreign")
        elif hook.does != "pass":
            value = getattr(own, hook.does)()
            return args[0] if hook.kind == "after" else value
        return args[0] if hook.kind == "after" else None

    register = {
        "preprocess": scope.url_value_preprocessor,
        "before": scope.before_request,
        "unsafe": scope.before_unsafe_request,
        "after": scope.after_request,
        "teardown": scope.teardown_request,
        "teardown_app": getattr(scope, "teardown_appcontext", lambda function: None),
    }[hook.kind]
    register(either(called, hook.is_async))


@contextmanager
def lane(fast):
    """Serve by one lane in the block."""
    before = bool(app_methods.fast_methods[0])
    use_fast_lane(fast)
    try:
        yield
    finally:
        use_fast_lane(before)


@contextmanager
def listening(plan, app, log):
    """Connect a receiver to each signal of the plan."""
    with ExitStack() as stack:
        for name in sorted(plan.signals):

            def receive(sender, _name=name, **values):
                log.append(f"signal {_name} {sorted((key, type(value)) for key, value in values.items())}")

            receiver = either(receive, plan.receivers_are_async)
            stack.enter_context(getattr(all_signals, name).connected_to(receiver, app))
        yield


def observe(plan, requests, *, fast, protocol="wsgi"):
    """Say all that can be seen of the answers to requests, over one of the lanes."""
    log: list[str] = []
    seen: list[Any] = []
    app = build(plan, log)
    client = app.test_client(protocol=protocol)
    streams = any("stream" in part.does for part in (*plan.views, *plan.hooks))
    with lane(fast), listening(plan, app, log):
        for ask in requests:
            seen.append(answer(client, ask))
            if streams:  # one that was dropped is torn down when it is collected: now
                gc.collect()
                wait_for_closers()
            seen.append(list(log))
            seen.append(type(current.get(None)))
            log.clear()

    return seen


def wait_for_closers():
    """Wait for what closes dropped streams where nobody waits for it: threads, and tasks on the loop."""
    for thread in threading.enumerate():
        if thread.name == "costrel-close":
            thread.join(10)
    for _ in range(3):
        finish(asyncio.sleep(0))


def answer(client, ask):
    try:
        response = client.open(
            ask.path, method=ask.method, headers=list(ask.headers), environ_overrides=dict(ask.environ)
        )
        try:
            body = response.get_data()
        finally:
            response.close()
    except Exception as error:
        return type(error), re.sub(r"0x\w+|[0-9a-f]{64}", "…", str(error))

    headers = [(name, re.sub(r"(session=\w*)\.[^;]+", r"\1", value)) for name, value in response.headers]

    return response.status, headers, body


def over_either(seen):
    """Leave out what ASGI cannot say: the text of a status."""
    return [(part[0][:3], *part[1:]) if type(part) is tuple and len(part) == 3 else part for part in seen]


generated = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@pytest.mark.timeout(600)
@generated
@given(plans_with_requests())
def test_both_lanes_answer_alike_and_call_the_same(drawn):
    plan, requests = drawn

    assert observe(plan, requests, fast=True) == observe(plan, requests, fast=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
@generated
@given(plans_with_requests())
def test_both_lanes_of_asgi_answer_alike_and_call_the_same(drawn):
    plan, requests = drawn

    fast = observe(plan, requests, fast=True, protocol="asgi")
    assert fast == observe(plan, requests, fast=False, protocol="asgi")


@pytest.mark.slow
@pytest.mark.timeout(600)
@generated
@given(plans_with_requests())
def test_both_protocols_answer_alike_and_call_the_same(drawn):
    plan, requests = drawn

    over_asgi = observe(plan, requests, fast=True, protocol="asgi")
    assert over_either(over_asgi) == over_either(observe(plan, requests, fast=True))
