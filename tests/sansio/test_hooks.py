"""Registering hooks: with a function, as a decorator, and with the word that they do not block."""

from __future__ import annotations

import functools
import threading

import pytest

from costrel import Blueprint, Costrel, abort
from costrel.core.on_loop import may_run_on_loop

APP_REGISTRARS = [
    "before_request",
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
