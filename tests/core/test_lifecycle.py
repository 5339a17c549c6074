"""The decisions of a request, the same whether its calls are made or awaited."""

from __future__ import annotations

import asyncio
import sys
import traceback

import pytest
from werkzeug.exceptions import Gone, HTTPException

from costrel import (
    Blueprint,
    Costrel,
    Response,
    abort,
    after_this_request,
    g,
    got_request_exception,
    request,
    request_finished,
    request_started,
    session,
)
from costrel.core import lifecycle
from costrel.core.drive import run_async, run_sync


def by_calling(app, path, **options):
    ctx = app.test_request_context(path, **options)
    with ctx:
        try:
            return run_sync(lifecycle.answer(ctx), app.ensure_sync)
        except Exception as error:
            return run_sync(lifecycle.recover(ctx, error), app.ensure_sync)


async def _awaited(app, path, in_thread, options):
    ctx = app.test_request_context(path, **options)
    with ctx:
        try:
            return await run_async(lifecycle.answer(ctx), in_thread)
        except Exception as error:
            return await run_async(lifecycle.recover(ctx, error), in_thread)


def by_awaiting(app, path, **options):
    return asyncio.run(_awaited(app, path, None, options))


def by_threads(app, path, **options):
    return asyncio.run(_awaited(app, path, asyncio.to_thread, options))


def by_server(app, path, **options):
    return app.test_client().open(path, **options)


@pytest.fixture(params=[by_calling, by_awaiting, by_threads, by_server], ids=lambda way: way.__name__)
def ask(request):
    """Send a request to an application, by each driver and through the server's entry."""
    return request.param


@pytest.fixture(params=[False, True], ids=["plain", "async"])
def either(request):
    """Leave a function as it is, or make a coroutine function of it."""
    if not request.param:
        return lambda function: function

    def make(function):
        async def coroutine_function(*args, **kwargs):
            await asyncio.sleep(0)
            return function(*args, **kwargs)

        coroutine_function.__name__ = function.__name__
        return coroutine_function

    return make


@pytest.fixture
def app():
    app = Costrel("shop", static_folder=None)
    app.logger.disabled = True
    app.config["PROPAGATE_EXCEPTIONS"] = False

    return app


@pytest.fixture
def calls():
    return []


def nested(app):
    """Register two blueprints, one within the other, and return them when their set-up is done."""
    outer, inner = (
        Blueprint("outer", "shop", url_prefix="/outer"),
        Blueprint("inner", "shop", url_prefix="/inner"),
    )

    def register():
        outer.register_blueprint(inner)
        app.register_blueprint(outer)

    return outer, inner, register


def test_hooks_run_in_order_with_the_application_outside(app, calls, ask, either):
    outer, inner, register = nested(app)
    for name, scope in (("app", app), ("outer", outer), ("inner", inner)):
        for number in (1, 2):

            def note(kind, name=name, number=number):
                return lambda *args: calls.append(f"{kind} {name} {number}") or (args[0] if args else None)

            scope.url_value_preprocessor(either(lambda *args, note=note: note("values")() and None))
            scope.before_request(either(note("before")))
            scope.after_request(either(note("after")))
            scope.teardown_request(either(note("teardown")))

    @inner.get("/")
    def index():
        calls.append("view")
        return "hello"

    register()
    assert ask(app, "/outer/inner/").get_data() == b"hello"

    inwards = ["app 1", "app 2", "outer 1", "outer 2", "inner 1", "inner 2"]
    assert calls == [
        *(f"values {name}" for name in inwards),
        *(f"before {name}" for name in inwards),
        "view",
        *(f"after {name}" for name in reversed(inwards[4:])),
        *(f"after {name}" for name in reversed(inwards[2:4])),
        *(f"after {name}" for name in reversed(inwards[:2])),
        *(f"teardown {name}" for name in reversed(inwards)),
    ]


def test_hooks_of_a_blueprint_run_for_its_views_only(app, calls, ask, either):
    _, inner, register = nested(app)
    inner.before_request(either(lambda: calls.append("before")))
    inner.after_request(either(lambda response: calls.append("after") or response))
    app.add_url_rule("/", "index", lambda: "hello")
    register()

    ask(app, "/")

    assert calls == []


def test_first_value_of_a_hook_is_the_answer(app, calls, ask, either):
    app.before_request(either(lambda: None))
    app.before_request(either(lambda: ("first", 202)))
    app.before_request(either(lambda: calls.append("second")))
    app.after_request(either(lambda response: calls.append("after") or response))
    app.add_url_rule("/", "index", lambda: calls.append("view"))

    response = ask(app, "/")

    assert (response.get_data(), response.status_code) == (b"first", 202)
    assert calls == ["after"]


@pytest.mark.parametrize("falsy", ["", b"", {}, []], ids=repr)
def test_empty_value_of_a_hook_is_an_answer_too(app, ask, falsy):
    app.before_request(lambda: falsy)
    app.add_url_rule("/", "index", lambda: "view")

    assert ask(app, "/").get_data() != b"view"


def test_hooks_run_for_what_no_rule_matches(app, calls, ask, either):
    app.url_value_preprocessor(either(lambda endpoint, values: calls.append((endpoint, values))))
    app.before_request(either(lambda: calls.append("before")))

    assert ask(app, "/nowhere").status_code == 404
    assert calls == [(None, None), "before"]


def test_preprocessor_changes_what_the_view_gets(app, ask, either):
    app.url_value_preprocessor(either(lambda endpoint, values: values.update(name=values["name"].upper())))
    app.add_url_rule("/<name>", "index", either(lambda name: name))

    assert ask(app, "/ada").get_data() == b"ADA"


def test_functions_of_this_request_run_before_the_hooks_in_their_order(app, calls, ask, either):
    app.after_request(either(lambda response: calls.append("hook") or response))

    @app.get("/")
    def index():
        after_this_request(either(lambda response: calls.append("first") or response))
        after_this_request(either(lambda response: calls.append("second") or response))
        return "hello"

    ask(app, "/")
    assert calls == ["first", "second", "hook"]


@pytest.mark.parametrize("with_blueprint", [False, True], ids=["alone", "with a blueprint"])
def test_functions_that_a_hook_registers_for_this_request_run_after_the_hooks(
    app, calls, ask, either, with_blueprint
):
    def add(name, then=None):
        def function(response):
            calls.append(name)
            if then is not None:
                after_this_request(then)
            return response

        return either(function)

    app.after_request(add("last hook"))
    app.after_request(add("hook", add("of the hook", add("of that"))))

    def index():
        if with_blueprint:
            after_this_request(add("of the view"))
        return "hello"

    if with_blueprint:
        pages = Blueprint("pages", __name__)
        pages.after_request(add("of the blueprint", add("later")))
        pages.get("/")(index)
        app.register_blueprint(pages)
        expected = ["of the view", "of the blueprint", "hook", "last hook", "later", "of the hook", "of that"]
    else:
        app.get("/")(index)
        expected = ["hook", "last hook", "of the hook", "of that"]

    assert ask(app, "/").status_code == 200
    assert calls == expected


def test_what_a_hooks_function_for_this_request_keeps_in_the_session_is_saved(app, client):
    app.secret_key = "a key"

    def keep(response):
        session["kept"] = "yes"
        return response

    app.after_request(lambda response: after_this_request(keep) and response)
    app.add_url_rule("/", "index", lambda: "hello")

    assert "session=" in client(app).get("/").headers["Set-Cookie"]


def test_hook_may_put_another_response_in_place(app, ask, either):
    app.after_request(either(lambda response: Response("other", 202)))
    app.add_url_rule("/", "index", lambda: "hello")

    assert ask(app, "/").get_data() == b"other"


class OwnError(LookupError):
    pass


def raises(error):
    def view():
        raise error

    return view


@pytest.mark.parametrize("where", ["view", "before", "values"])
def test_handler_answers_an_error_wherever_it_was_raised(app, ask, either, where):
    app.register_error_handler(LookupError, either(lambda error: (str(error), 409)))
    app.add_url_rule("/", "index", either(raises(OwnError("lost")) if where == "view" else lambda: "hello"))
    if where == "before":
        app.before_request(either(raises(OwnError("lost"))))
    if where == "values":
        app.url_value_preprocessor(either(lambda endpoint, values: raises(OwnError("lost"))()))

    response = ask(app, "/")

    assert (response.get_data(), response.status_code) == (b"lost", 409)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/", b"app 404"),
        ("/outer/", b"outer 404"),
        ("/outer/inner/", b"outer 404"),
        ("/outer/inner/own", b"inner OwnError"),
        ("/own", b"app LookupError"),
        ("/outer/elsewhere", b"app 404"),
    ],
)
def test_nearest_handler_answers(app, ask, either, path, answer):
    outer, inner, register = nested(app)
    app.register_error_handler(404, either(lambda error: "app 404"))
    app.register_error_handler(LookupError, either(lambda error: "app LookupError"))
    outer.register_error_handler(404, either(lambda error: "outer 404"))
    inner.register_error_handler(OwnError, either(lambda error: "inner OwnError"))
    inner.register_error_handler(HTTPException, either(lambda error: "inner HTTPException"))
    for scope in (app, outer, inner):
        scope.add_url_rule("/", "missing", either(lambda: abort(404)))
        scope.add_url_rule("/own", "own", either(raises(OwnError())))
    register()

    assert ask(app, path).get_data() == answer


def test_error_without_a_handler_is_logged_and_a_500(app, calls, ask, either):
    app.log_exception = lambda exc_info: calls.append(exc_info[:2])
    error = OwnError("lost")
    app.add_url_rule("/", "index", either(raises(error)))
    app.after_request(lambda response: calls.append(response.status_code) or response)

    assert ask(app, "/").status_code == 500
    assert calls == [(OwnError, error), 500]


def test_handler_of_500_gets_the_original_error(app, ask, either):
    app.register_error_handler(500, either(lambda error: (repr(error.original_exception), 500)))
    app.add_url_rule("/", "index", either(raises(OwnError("lost"))))

    assert ask(app, "/").get_data() == b"OwnError('lost')"


def test_error_of_a_handler_is_a_500_and_no_other_handler_sees_it(app, calls, ask, either):
    app.register_error_handler(OwnError, either(lambda error: 1 // 0))
    app.register_error_handler(ZeroDivisionError, either(lambda error: calls.append("asked")))
    app.register_error_handler(500, either(lambda error: (type(error.original_exception).__name__, 500)))
    app.add_url_rule("/", "index", raises(OwnError()))

    assert ask(app, "/").get_data() == b"ZeroDivisionError"
    assert calls == []


def test_hook_that_fails_after_the_view_is_a_500(app, ask, either):
    app.after_request(either(lambda response: 1 // 0))
    app.add_url_rule("/", "index", lambda: "hello")

    # It fails again while the 500 is finished; that is logged, and the 500 sent.
    assert ask(app, "/").status_code == 500


def test_errors_propagate_where_they_are_to(app, ask, either):
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.add_url_rule("/", "index", either(raises(OwnError("lost"))))

    with pytest.raises(OwnError, match="lost"):
        ask(app, "/")


def test_trapped_http_error_is_an_error_like_any_other(app, ask, either):
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    app.add_url_rule("/", "index", either(lambda: abort(404)))
    app.add_url_rule("/gone", "gone", either(lambda: abort(410)))
    app.register_error_handler(Gone, either(lambda error: "handled"))

    assert ask(app, "/").status_code == 500
    assert ask(app, "/gone").get_data() == b"handled"


def test_missing_form_field_names_itself_where_bad_requests_are_trapped(app, ask):
    app.add_url_rule("/", "index", lambda: request.form["name"], methods=["POST"])
    assert b"name" not in ask(app, "/", method="POST").get_data().replace(b"<!doctype", b"")

    app.config["TRAP_BAD_REQUEST_ERRORS"] = True
    assert ask(app, "/", method="POST").status_code == 500


def test_handler_sees_its_error_as_the_one_being_handled(app, ask, either):
    def handler(error):
        assert sys.exc_info()[1] is error
        return traceback.format_exc()

    app.register_error_handler(OwnError, either(handler))
    app.add_url_rule("/", "index", either(raises(OwnError("lost"))))

    text = ask(app, "/").get_data(as_text=True)

    assert text.startswith("Traceback")
    assert text.endswith("OwnError: lost\n")


def test_bare_raise_in_a_handler_makes_it_a_500(app, ask, either):
    def handler(error):
        raise  # noqa: PLE0704  # the error is the one being handled

    app.register_error_handler(OwnError, either(handler))
    app.register_error_handler(500, either(lambda error: (repr(error.original_exception), 500)))
    app.add_url_rule("/", "index", either(raises(OwnError("lost"))))

    assert ask(app, "/").get_data() == b"OwnError('lost')"


def test_500_handler_and_log_see_the_error_as_the_one_being_handled(app, calls, ask, either):
    app.log_exception = lambda exc_info: calls.append(sys.exc_info()[0])
    app.register_error_handler(500, either(lambda error: (str(sys.exc_info()[0].__name__), 500)))
    app.add_url_rule("/", "index", raises(OwnError("lost")))

    assert ask(app, "/").get_data() == b"OwnError"
    assert calls == [OwnError]


def test_view_cannot_stop_the_worker(app, ask, either):
    app.add_url_rule("/", "index", either(lambda: sys.exit(3)))

    if ask is by_awaiting and either(len) is not len:
        pytest.skip("asyncio stops its loop for SystemExit in a task of its own")

    assert ask(app, "/").status_code == 500


def test_options_are_answered_for_the_view_unless_it_does_so(app, ask, either):
    app.add_url_rule("/auto", "auto", either(lambda: "view"), methods=["GET", "POST"])
    app.add_url_rule("/own", "own", either(lambda: "view"), methods=["GET", "OPTIONS"])

    response = ask(app, "/auto", method="OPTIONS")

    assert set(response.allow) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert response.get_data() == b""
    assert ask(app, "/own", method="OPTIONS").get_data() == b"view"


def test_signals_tell_of_the_request(app, calls, ask, either):
    app.add_url_rule("/", "index", either(lambda: "hello"))
    app.add_url_rule("/broken", "broken", either(raises(OwnError())))

    def note(name):
        async def receive_async(sender, **values):
            calls.append((name, *values))

        def receive(sender, **values):
            calls.append((name, *values))

        return receive if either(len) is len else receive_async

    started, finished, failed = note("started"), note("finished"), note("failed")
    with (
        request_started.connected_to(started, app),
        request_finished.connected_to(finished, app),
        got_request_exception.connected_to(failed, app),
    ):
        ask(app, "/")
        ask(app, "/broken")

    assert calls == [
        ("started",),
        ("finished", "response"),
        ("started",),
        ("failed", "exception"),
        ("finished", "response"),
    ]


def test_what_was_set_in_a_hook_is_there_in_the_view_and_after(app, ask, either):
    def before():
        g.name = "ada"

    app.before_request(either(before))
    app.add_url_rule("/", "index", either(lambda: g.name))
    app.after_request(either(lambda response: Response(f"{response.get_data(as_text=True)} {g.name}")))

    assert ask(app, "/").get_data() == b"ada ada"


def test_teardown_functions_all_run_though_some_raise(app, calls, ask, either):
    def raising(error):
        def teardown(exc):
            calls.append(type(error).__name__)
            raise error

        return teardown

    app.add_url_rule("/", "index", lambda: "hello")
    app.teardown_appcontext(either(raising(OwnError())))
    app.teardown_appcontext(either(raising(KeyError())))
    app.teardown_request(either(raising(ValueError())))
    app.teardown_request(either(raising(TypeError())))

    logged = []
    app._log_teardown_error = lambda error: logged.append(type(error).__name__)

    with pytest.raises(TypeError):
        ask(app, "/")

    assert calls == ["TypeError", "ValueError", "KeyError", "OwnError"]
    assert sorted(logged) == ["KeyError", "OwnError", "ValueError"]
