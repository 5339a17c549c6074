"""Registering hooks: with a function, as a decorator, and with the word that they do not block."""

from __future__ import annotations

import functools
import threading

import pytest
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from costrel import Blueprint, Costrel, abort
from costrel.core.on_loop import may_run_on_loop

APP_REGISTRARS = [
    "before_request",
    "before_unsafe_request",
    "after_request",
    "teardown_request",
    "teardown_appcontext",
    "url_value_preprocessor",
    "before_websocket",
    "after_websocket",
    "teardown_websocket",
]
BLUEPRINT_REGISTRARS = [
    *(name for name in APP_REGISTRARS if name != "teardown_appcontext"),
    "before_app_request",
    "after_app_request",
    "teardown_app_request",
    "app_url_value_preprocessor",
    "before_app_websocket",
    "after_app_websocket",
    "teardown_app_websocket",
]
REGISTRARS = [(Costrel("shop"), name) for name in APP_REGISTRARS] + [
    (Blueprint("shelf", __name__), name) for name in BLUEPRINT_REGISTRARS
]
every_registrar = pytest.mark.parametrize(("owner", "name"), REGISTRARS, ids=str)


@every_registrar
def test_registrar_returns_the_function_it_was_given_and_marks_nothing(owner, name):
    def hook(*args): ...

    assert getattr(owner, name)(hook) is hook
    assert not may_run_on_loop(hook)


@every_registrar
def test_registrar_called_with_options_is_a_decorator(owner, name):
    @getattr(owner, name)(sync_to_thread=False)
    def hook(*args): ...

    assert may_run_on_loop(hook)


@every_registrar
def test_registrar_takes_function_and_option_in_one_call(owner, name):
    def hook(*args): ...

    assert getattr(owner, name)(hook, sync_to_thread=False) is hook
    assert may_run_on_loop(hook)


@pytest.mark.parametrize("to_thread", [True, None])
def test_hook_may_be_said_to_block(app, to_thread):
    @app.before_request(sync_to_thread=to_thread)
    def hook(): ...

    assert app.before_request_funcs[None] == [hook]
    assert not may_run_on_loop(hook)


def test_function_that_takes_no_mark_is_refused_before_it_is_registered(app):
    with pytest.raises(TypeError, match=r"functools\.partial|built-in"):
        app.before_request(len, sync_to_thread=False)

    assert not app.before_request_funcs.get(None)


def test_partial_can_be_marked(app):
    hook = app.before_request(functools.partial(print, end=""), sync_to_thread=False)

    assert may_run_on_loop(hook)


def test_hook_that_a_maker_forgot_to_return_is_not_taken_for_a_decorators_option(app):
    assert app.before_request(None) is None
    assert app.before_request_funcs[None] == [None]


def test_hooks_are_called_on_both_protocols_whatever_was_said(app, client):
    called = []
    for to_thread in (None, False, True):
        app.before_request(lambda to=to_thread: called.append(to), sync_to_thread=to_thread)

    @app.errorhandler(404, sync_to_thread=False)
    def missing(error):
        return "nothing here", 404

    response = client(app).get("/missing")

    assert (response.status_code, response.text) == (404, "nothing here")
    assert called == [None, False, True]


@pytest.fixture(params=["sync", "async"])
def shop_with_hooks(app, request):
    """A shop whose hooks, all of one kind, and view say that they were called."""
    called = app.extensions["called"] = []
    shelf = Blueprint("shelf", __name__)

    def note(name):
        async def on_loop(*args):
            called.append(name)

        return on_loop if request.param == "async" else lambda *args: called.append(name)

    for owner in (app, shelf):
        owner.before_request(note(f"{owner.name}: before"))
        owner.before_unsafe_request(note(f"{owner.name}: before unsafe"))
        owner.url_value_preprocessor(note(f"{owner.name}: values"))
    app.add_url_rule("/", view_func=lambda: "app", endpoint="index", methods=["GET", "POST", "PURGE"])
    shelf.add_url_rule("/shelf", "index", lambda: "shelf", methods=["GET", "POST"])
    app.register_blueprint(shelf)

    return app


@pytest.mark.parametrize("method", ["POST", "PURGE"])
def test_hooks_for_unsafe_requests_go_before_all_others(shop_with_hooks, client, method):
    name = shop_with_hooks.name

    assert client(shop_with_hooks).open("/", method=method).text == "app"

    called = shop_with_hooks.extensions["called"]
    assert called == [f"{name}: values", f"{name}: before unsafe", f"{name}: before"]


def test_hooks_for_unsafe_requests_of_blueprints_follow_the_applications(shop_with_hooks, client):
    name = shop_with_hooks.name

    assert client(shop_with_hooks).post("/shelf").text == "shelf"

    called = shop_with_hooks.extensions["called"]
    assert called[2:] == [
        f"{name}: before unsafe",
        "shelf: before unsafe",
        f"{name}: before",
        "shelf: before",
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_hooks_for_unsafe_requests_are_not_called_for_safe_ones(shop_with_hooks, client, method):
    assert client(shop_with_hooks).open("/", method=method).status_code == 200

    assert not [name for name in shop_with_hooks.extensions["called"] if "unsafe" in name]


def test_hook_for_unsafe_requests_answers_alone_and_also_where_nothing_is(app, client):
    app.before_unsafe_request(lambda: ("closed", 503))
    app.add_url_rule("/", view_func=lambda: "open", endpoint="index", methods=["GET", "POST"])

    assert client(app).get("/").text == "open"
    assert client(app).post("/").text == "closed"
    assert client(app).post("/missing").status_code == 503


def test_error_of_a_hook_for_unsafe_requests_goes_to_the_handlers(app, client):
    @app.before_unsafe_request(sync_to_thread=False)
    def closed():
        abort(503)

    app.register_error_handler(503, lambda error: ("come back later", 503))
    app.add_url_rule("/", view_func=lambda: "open", endpoint="index", methods=["POST"])

    assert client(app).post("/").text == "come back later"


@pytest.mark.parametrize(("to_thread", "is_on_loop"), [(False, True), (None, False), (True, False)])
async def test_hooks_of_an_async_view_run_in_threads_unless_they_do_not_block(app, to_thread, is_on_loop):
    on_loop = {}
    shelf = Blueprint("shelf", __name__)
    loop_thread = threading.get_ident()

    def note(name, value=None):
        on_loop[name] = threading.get_ident() == loop_thread
        return value

    for owner in (app, shelf):
        where = "shelf" if owner is shelf else "app"
        owner.url_value_preprocessor(lambda *_, w=where: note(f"{w} values"), sync_to_thread=to_thread)
        owner.before_request(lambda w=where: note(f"{w} before"), sync_to_thread=to_thread)
        owner.after_request(lambda response, w=where: note(f"{w} after", response), sync_to_thread=to_thread)
        owner.teardown_request(lambda _, w=where: note(f"{w} teardown"), sync_to_thread=to_thread)
    app.teardown_appcontext(lambda _: note("app context"), sync_to_thread=to_thread)

    @app.errorhandler(410, sync_to_thread=to_thread)
    def gone(error):
        return note("app handler", ("gone", 410))

    @shelf.errorhandler(409, sync_to_thread=to_thread)
    def conflict(error):
        return note("shelf handler", ("conflict", 409))

    @shelf.get("/<int:code>")
    async def view(code):
        abort(code)

    app.register_blueprint(shelf)
    for code in (409, 410):
        assert await _status(app, f"/{code}") == code

    steps = ("values", "before", "after", "teardown", "handler")
    names = ["app context", *(f"{where} {step}" for where in ("app", "shelf") for step in steps)]
    assert on_loop == dict.fromkeys(names, is_on_loop)


async def _status(app, path):
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"localhost")]}
    await app.asgi(scope, receive, send)

    return sent[0]["status"]


class Gone(Exception):
    """What an extension knows the meaning of."""


@pytest.fixture
def app_with_gone_service(app):
    @app.error_fallback
    def service_is_gone(error):
        return ServiceUnavailable(retry_after=7) if isinstance(error, Gone) else None

    @app.get("/")
    def view():
        raise Gone("the service")

    @app.get("/async")
    async def async_view():
        raise Gone("the service")

    @app.get("/bug")
    def bug():
        raise ZeroDivisionError

    return app


@pytest.mark.parametrize("path", ["/", "/async"])
def test_error_that_no_handler_takes_is_answered_by_the_fallback(app_with_gone_service, client, path):
    response = client(app_with_gone_service).get(path)

    assert (response.status_code, response.headers["Retry-After"]) == (503, "7")


def test_error_that_the_fallback_does_not_know_is_raised(app_with_gone_service, client):
    with pytest.raises(ZeroDivisionError):
        client(app_with_gone_service).get("/bug")


@pytest.mark.parametrize("taken", [Gone, Exception])
def test_handlers_of_the_application_go_before_the_fallback(app_with_gone_service, client, taken):
    @app_with_gone_service.errorhandler(taken)
    async def handler(error):
        return f"handled {error}", 418

    response = client(app_with_gone_service).get("/")

    assert (response.status_code, response.text) == (418, "handled the service")


@pytest.mark.parametrize("taken", [503, HTTPException])
def test_what_the_fallback_returns_is_answered_by_its_handler(app_with_gone_service, client, taken):
    @app_with_gone_service.errorhandler(taken)
    def page(error):
        return "our own page", error.code

    response = client(app_with_gone_service).get("/async")

    assert (response.status_code, response.text) == (503, "our own page")
