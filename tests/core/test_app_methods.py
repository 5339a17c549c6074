"""A method of the application that is replaced takes effect: wherever, whenever and in whichever style."""

from __future__ import annotations

from unittest import mock

import pytest

from costrel import Costrel, Request, Response
from costrel.core.app_methods import DOORS, LIFECYCLE_METHODS
from costrel.ctx import AppContext, RequestContext

# The request that makes each method be called.
ASK = {
    "asgi_app": ("GET", "/async"),
    "async_to_sync": ("GET", "/async"),
    "create_url_adapter": ("GET", "/"),
    "dispatch_request": ("GET", "/"),
    "do_teardown_appcontext": ("GET", "/"),
    "do_teardown_request": ("GET", "/"),
    "ensure_sync": ("GET", "/"),
    "finalize_request": ("GET", "/"),
    "full_dispatch_request": ("GET", "/"),
    "handle_exception": ("GET", "/broken"),
    "handle_http_exception": ("GET", "/missing"),
    "handle_user_exception": ("GET", "/missing"),
    "log_exception": ("GET", "/broken"),
    "make_default_options_response": ("OPTIONS", "/"),
    "make_response": ("GET", "/"),
    "preprocess_request": ("GET", "/"),
    "process_response": ("GET", "/"),
    "raise_routing_exception": ("GET", "/missing"),
    "request_context": ("GET", "/"),
    "should_ignore_error": ("GET", "/broken"),
    "trap_http_exception": ("GET", "/missing"),
    "wsgi_app": ("GET", "/"),
}
STATUS = {"/": 200, "/async": 200, "/missing": 404, "/broken": 500}

# Those that Flask 3.2 hands the context first.
TAKES_CONTEXT = {
    "dispatch_request": "",
    "do_teardown_request": "exc=None",
    "finalize_request": "rv, from_error_handler=False",
    "full_dispatch_request": "",
    "handle_exception": "e",
    "handle_http_exception": "e",
    "handle_user_exception": "e",
    "log_exception": "exc_info",
    "make_default_options_response": "",
    "preprocess_request": "",
    "process_response": "response",
    "do_teardown_appcontext": "exc=None",
}


class Application(Costrel):
    """A class of this test's, so that the one that all tests share is not changed."""


@pytest.fixture
def cls():
    return type("Own", (Application,), {})


def build(cls):
    app = cls("shop", static_folder=None)
    app.logger.disabled = True

    @app.get("/")
    def index():
        return "hello"

    @app.get("/async")
    async def later():
        return "hello"

    @app.get("/broken")
    def broken():
        return 1 // 0

    return app


def ask(app, name):
    method, path = ASK[name]
    # Over ASGI nothing is made synchronous for an async view.
    protocol = {"async_to_sync": "wsgi", "asgi_app": "asgi"}.get(name)
    response = app.test_client(protocol=protocol).open(path, method=method)

    assert response.status_code == STATUS[path]


def wrapper_of(function, calls, *, bound):
    """Wrap a method as monitoring tools do."""

    def wrapper(*args, **kwargs):
        calls.append(args if bound else args[1:])
        return function(*args, **kwargs)

    return wrapper


METHODS = pytest.mark.parametrize("name", sorted(ASK))
WHEN = pytest.mark.parametrize("served_before", [False, True], ids=["before", "after the first request"])


def test_every_watched_method_is_tested_here():
    assert (LIFECYCLE_METHODS | DOORS) - {"_find_error_handler"} <= set(ASK)


@METHODS
@WHEN
def test_method_of_the_instance_is_called_once(cls, name, served_before):
    app, calls = build(cls), []
    if served_before:
        ask(app, name)

    setattr(app, name, wrapper_of(getattr(app, name), calls, bound=True))
    ask(app, name)

    assert len(calls) == 1 or name == "ensure_sync"
    assert calls


@METHODS
@WHEN
@pytest.mark.parametrize("whose", ["own class", "a base of it"])
def test_method_of_the_class_is_called_and_may_be_put_back(cls, name, served_before, whose, monkeypatch):
    app, calls = build(cls), []
    patched = cls if whose == "own class" else Application
    if served_before:
        ask(app, name)

    with monkeypatch.context() as patch:
        patch.setattr(patched, name, wrapper_of(getattr(patched, name), calls, bound=False))
        ask(app, name)
        seen = len(calls)
    ask(app, name)

    assert seen == 1 or name == "ensure_sync"
    assert len(calls) == seen > 0


@METHODS
def test_method_of_the_class_that_all_applications_share_is_called(name, monkeypatch):
    app, calls = build(Costrel), []

    with monkeypatch.context() as patch:
        patch.setattr(Costrel, name, wrapper_of(getattr(Costrel, name), calls, bound=False))
        ask(app, name)
        seen = len(calls)
    ask(app, name)

    assert len(calls) == seen > 0


@METHODS
@pytest.mark.parametrize("on", ["instance", "class"])
def test_mock_is_called_and_its_undoing_noticed(cls, name, on):
    app = build(cls)
    target = app if on == "instance" else cls
    ask(app, name)

    with mock.patch.object(target, name, autospec=True, side_effect=getattr(target, name)) as mocked:
        ask(app, name)
        times = mocked.call_count
    ask(app, name)

    assert mocked.call_count == times > 0
    assert name not in vars(app)


def styled_subclass(name, style):
    """Write a subclass whose method calls ``super()``, as an application would write it."""
    parameters = TAKES_CONTEXT[name]
    passed = ", ".join(
        f"{word}={word}" if word == "from_error_handler" else word
        for word in (part.partition("=")[0].strip() for part in parameters.split(","))
        if word
    )
    first = "ctx, " if style == "3.2" else ""
    source = (
        "class Own(Application):\n"
        f"    def {name}(self, {first}{parameters}):\n"
        f"        calls.append({'ctx' if style == '3.2' else 'None'})\n"
        f"        return super().{name}({first}{passed})\n"
    )
    calls = []
    names = {"Application": Application, "calls": calls}
    exec(source, names)

    return names["Own"], calls


@pytest.mark.parametrize("name", sorted(TAKES_CONTEXT))
@pytest.mark.parametrize("style", ["3.1", "3.2"])
def test_override_of_either_style_is_called_in_its_style(name, style):
    cls, calls = styled_subclass(name, style)
    app = build(cls)

    ask(app, name)
    ask(app, name)

    assert len(calls) == 2
    if style == "3.2":
        assert all(isinstance(ctx, RequestContext) for ctx in calls)


@pytest.mark.parametrize("name", sorted(TAKES_CONTEXT))
@pytest.mark.parametrize("style", ["3.1", "3.2"])
def test_function_of_either_style_on_the_instance_is_called_in_its_style(name, style):
    cls, calls = styled_subclass(name, style)
    app = build(Application)
    ask(app, name)

    other = build(cls)  # a bound method of another application is a function like any other
    setattr(app, name, getattr(other, name))
    ask(app, name)

    assert len(calls) == 1


def test_context_is_known_by_its_annotation_whatever_its_name(cls):
    def dispatch_request(self, context: AppContext):
        return context.request.path

    def handle_exception(self, current: costrel.ctx.AppContext, e):  # noqa: F821  # only read
        return Response(f"{current.request.path} {type(e).__name__}", 500)

    cls.handle_exception = handle_exception
    assert build(cls).test_client().get("/broken").text == "/broken ZeroDivisionError"

    cls.dispatch_request = dispatch_request
    assert build(cls).test_client().get("/").text == "/"


def test_override_decides_about_the_answer(cls):
    app = build(cls)

    with mock.patch.object(cls, "dispatch_request", return_value="replaced"):
        assert app.test_client().get("/").text == "replaced"
    with mock.patch.object(app, "preprocess_request", return_value="from the hook"):
        assert app.test_client().get("/").text == "from the hook"
    with mock.patch.object(app, "make_response", lambda rv: Response(rv.upper())):
        assert app.test_client().get("/").text == "HELLO"
    with mock.patch.object(cls, "handle_user_exception", lambda self, e: (type(e).__name__, 409)):
        assert app.test_client().get("/broken").text == "ZeroDivisionError"
    with mock.patch.object(app, "process_response", return_value=Response("processed")):
        assert app.test_client().get("/").text == "processed"

    assert app.test_client().get("/").text == "hello"


def test_async_override_is_awaited(cls):
    async def dispatch_request(self):
        return "async"

    cls.dispatch_request = dispatch_request

    assert build(cls).test_client().get("/").text == "async"


def test_middleware_goes_round_wsgi_app(cls):
    app = build(cls)
    inner = app.wsgi_app

    def middleware(environ, start_response):
        environ["PATH_INFO"] = "/"
        return inner(environ, start_response)

    app.wsgi_app = middleware

    assert app.test_client().get("/elsewhere").text == "hello"


@WHEN
def test_tables_changed_directly_take_effect(cls, served_before):
    app = build(cls)
    client = app.test_client()
    if served_before:
        client.get("/")

    app.view_functions["index"] = lambda: "other view"
    assert client.get("/").text == "other view"

    app.before_request_funcs.setdefault(None, []).append(lambda: "hook")
    assert client.get("/").text == "hook"
    app.before_request_funcs[None].clear()

    app.after_request_funcs.setdefault(None, []).append(lambda response: Response("after"))
    assert client.get("/").text == "after"
    app.after_request_funcs = {}

    torn_down = []
    app.teardown_request_funcs.setdefault(None, []).append(lambda exc: torn_down.append("request"))
    app.teardown_appcontext_funcs.append(lambda exc: torn_down.append("app"))
    client.get("/")
    assert torn_down == ["request", "app"]

    app.error_handler_spec[None][None][ZeroDivisionError] = lambda error: "handled"
    assert client.get("/broken").text == "handled"

    app.url_value_preprocessors.setdefault(None, []).append(
        lambda endpoint, values: torn_down.append(endpoint)
    )
    client.get("/")
    assert "index" in torn_down


@WHEN
def test_rule_added_to_the_map_directly_is_found(cls, served_before):
    app = build(cls)
    client = app.test_client()
    if served_before:
        assert client.get("/late").status_code == 404

    app.url_map.add(app.url_rule_class("/late", endpoint="late", methods=["GET"]))
    app.view_functions["late"] = lambda: "late"

    assert client.get("/late").text == "late"


@WHEN
def test_classes_and_providers_replaced_take_effect(cls, served_before):
    class OwnRequest(Request):
        pass

    class OwnResponse(Response):
        default_mimetype = "text/x-own"

    app = build(cls)
    client = app.test_client()
    seen = []
    app.view_functions["index"] = lambda: {"a": 1}
    app.before_request_funcs.setdefault(None, []).append(lambda: seen.append(type(app_request())))
    if served_before:
        client.get("/")

    app.request_class, app.response_class = OwnRequest, OwnResponse
    app.json = type("Own", (app.json_provider_class,), {"dumps": lambda self, obj, **kwargs: "own json"})(app)

    assert client.get("/").text.strip() == "own json"
    assert seen[-1] is OwnRequest
    app.view_functions["index"] = lambda: "text"
    assert client.get("/").mimetype == "text/x-own"


def app_request():
    from costrel import request

    return request._get_current_object()
