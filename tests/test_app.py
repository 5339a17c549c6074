"""The application: what is refused at set-up, what its messages say, and that it stays small."""

from __future__ import annotations

import gc
import inspect
import re
import tracemalloc

import pytest
from werkzeug.routing import BuildError
from werkzeug.test import EnvironBuilder, run_wsgi_app

from costrel import Blueprint, Costrel, current_app, g, request, session, url_for
from costrel import json as costrel_json
from costrel._current import current
from costrel.errors import ContextError, SetupError
from costrel.sessions import SecureCookieSession, SessionInterface


@pytest.fixture
def flask_app():
    """An application as it is under the alias, as far as these tests look."""
    app = Costrel("shop")
    app._flask_defaults = True

    return app


def place_of(function):
    return f"{function.__qualname__} ({__file__}:{function.__code__.co_firstlineno})"


# Registration.


def test_second_view_of_an_endpoint_is_refused_with_both_places(app):
    def first(): ...
    def second(): ...

    app.add_url_rule("/a", "index", first)
    with pytest.raises(SetupError) as caught:
        app.add_url_rule("/b", "index", second)

    assert isinstance(caught.value, AssertionError)
    assert str(caught.value).startswith(
        "View function mapping is overwriting an existing endpoint function: index\n"
        f"  the first:  {place_of(first)}\n"
        f"  the second: {place_of(second)}\n"
    )
    assert "endpoint='index_2'" in caught.value.hint


def test_same_view_may_have_many_rules(app, client):
    def index():
        return request.path

    app.add_url_rule("/a", "index", index)
    app.add_url_rule("/b", "index", index)

    assert client(app).get("/b").text == "/b"


def test_view_that_cannot_take_its_variables_is_refused_at_registration(app):
    with pytest.raises(
        SetupError, match=r"'/u/<int:id>' has <id>, but its view has no argument of that name"
    ) as caught:

        @app.get("/u/<int:id>")
        def user(user_id): ...

    assert f"{__file__}:" in caught.value.problem


def test_under_the_alias_such_a_view_fails_with_the_request(flask_app):
    @flask_app.get("/u/<int:id>")
    def user(user_id): ...

    flask_app.testing = True
    with pytest.raises(TypeError, match="unexpected keyword argument 'id'"):
        flask_app.test_client().get("/u/7")


def test_view_behind_a_decorator_or_a_preprocessor_is_not_judged(app):
    import functools

    def decorate(view):
        @functools.wraps(view)
        def wrapper(**values):
            return view()

        return wrapper

    app.add_url_rule("/a/<id>", "a", decorate(lambda: ""))
    app.url_value_preprocessor(lambda endpoint, values: values.clear())
    app.add_url_rule("/b/<id>", "b", lambda: "")


def test_setup_after_the_first_request_is_refused_by_name(app, client):
    client(app).get("/")

    for method, args in (("route", ("/x",)), ("before_request", (len,)), ("register_blueprint", (None,))):
        with pytest.raises(
            AssertionError, match=f"The setup method '{method}' can no longer be called"
        ) as caught:
            getattr(app, method)(*args)
        assert "It has handled its first request" in str(caught.value)


def test_methods_as_a_string_are_refused_with_the_right_line(app):
    with pytest.raises(TypeError, match=r'@app.route\(..., methods=\["POST"\]\)'):
        app.add_url_rule("/", "index", len, methods="POST")


def test_view_without_a_name_needs_an_endpoint(app):
    with pytest.raises(AssertionError, match="expected view func if endpoint is not provided"):
        app.add_url_rule("/")


def test_application_may_say_who_answers_options(app, client):
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.add_url_rule("/off", "off", lambda: "")
    app.add_url_rule("/on", "on", lambda: "", provide_automatic_options=True)

    assert client(app).options("/off").status_code == 405
    assert client(app).options("/on").status_code == 200


def test_what_a_rule_says_of_options_goes_before_what_its_view_says(app, client):
    def view():
        return "the view's"

    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    view.provide_automatic_options = True
    app.add_url_rule("/view", "view", view)
    app.add_url_rule("/rule", "view", view, provide_automatic_options=False)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = True

    assert client(app).options("/view").text == ""
    assert client(app).options("/rule").status_code == 405


def test_options_among_the_required_methods_of_a_view_are_answered_for_it(app, client):
    def view():
        return "the view's"

    view.required_methods = ["OPTIONS"]
    app.add_url_rule("/", view_func=view)

    assert client(app).options("/").headers["Allow"]
    assert client(app).options("/").text == ""


# What a view returned.


@pytest.mark.parametrize("value", [None, 7, ("a", 1, {}, "b")], ids=["nothing", "number", "long tuple"])
def test_view_that_returns_what_it_may_not_is_named_with_its_place(app, client, value):
    @app.get("/")
    def index():
        return value

    with pytest.raises(TypeError) as caught:
        client(app).get("/")

    assert "did not return a valid response" in str(caught.value)
    assert str(caught.value).endswith(place_of(index))


# URLs.


@pytest.fixture
def shop(app):
    app.add_url_rule("/users/<int:id>", "user_detail", lambda id: "")
    app.add_url_rule("/users/<int:id>/posts", "posts", lambda id: "")
    app.add_url_rule("/", "index", lambda: "")

    return app


@pytest.mark.parametrize(
    ("endpoint", "values", "text"),
    [
        (
            "user_details",
            {"id": 7},
            "Could not build url for endpoint 'user_details' with values ['id']. Did you mean 'user_detail'"
            " instead? These take id: posts, user_detail.",
        ),
        (
            "user_detail",
            {"user_id": 7},
            "Could not build url for endpoint 'user_detail' with values ['user_id']. Did you forget to"
            " specify values ['id']? Endpoint 'user_detail' is '/users/<int:id>': give it id"
            " (you gave user_id).",
        ),
    ],
)
@pytest.mark.parametrize("external", [False, True])
def test_url_that_cannot_be_built_says_what_to_write(shop, endpoint, values, text, external):
    with shop.test_request_context(), pytest.raises(BuildError) as caught:
        url_for(endpoint, _external=external, **values)

    assert str(caught.value) == text
    assert (caught.value.endpoint, caught.value.values) == (endpoint, values)


def test_error_of_building_has_no_second_traceback(shop):
    with shop.test_request_context(), pytest.raises(BuildError) as caught:
        url_for("nothing")

    assert caught.value.__context__ is None


def test_handlers_may_build_the_url_instead(shop):
    calls = []

    def pass_on(error, endpoint, values):
        calls.append((type(error).__mro__[1], endpoint, values["id"], values["_external"]))

    shop.url_build_error_handlers += [pass_on, lambda error, endpoint, values: f"/else/{endpoint}"]

    with shop.test_request_context():
        assert url_for("nothing", id=7) == "/else/nothing"
    assert calls == [(BuildError, "nothing", 7, False)]


def test_url_outside_of_a_request_needs_a_server_name(shop):
    with (
        shop.app_context(),
        pytest.raises(
            RuntimeError, match="Unable to build URLs outside an active request without 'SERVER_NAME'"
        ),
    ):
        url_for("index")
    shop.config["SERVER_NAME"] = "shop.example"
    with shop.app_context():
        assert url_for("index") == "http://shop.example/"


def test_page_for_a_refused_host_builds_paths_and_says_which_endpoint_is_unknown(app, client):
    app.config["TRUSTED_HOSTS"] = ["shop.example"]
    app.add_url_rule("/items/<int:number>", "item", lambda number: "")

    @app.errorhandler(400)
    def refused(error):
        with pytest.raises(BuildError, match="nothing"):
            url_for("nothing")
        return url_for("item", number=7), 400

    response = client(app).get("/items/1", headers={"Host": "evil.example"}, base_url="http://x/shop")

    assert response.text == "/shop/items/7"


def test_slash_is_added_without_naming_the_host(app, client, flask_app):
    for each in (app, flask_app):
        each.add_url_rule("/folder/", "folder", lambda: "")
    flask_app.config["RELATIVE_REDIRECTS"] = False

    assert client(app).get("/folder?q=1").headers["Location"] == "/folder/?q=1"
    assert client(flask_app).get("/folder").headers["Location"] == "http://localhost/folder/"


@pytest.mark.parametrize("path", ["//evil.example/folder", "/\\evil.example/folder"])
def test_redirect_of_a_strange_path_stays_on_the_host(app, path):
    app.add_url_rule("/<path:name>/", "any", lambda name: "")
    environ = EnvironBuilder("/").get_environ()
    environ["PATH_INFO"] = path

    _, _, headers = run_wsgi_app(app, environ)

    assert not re.match(r"[/\\]{2}", headers.get("Location", "/"))


# Outside of a context.

PROXIES = {"current_app": current_app, "g": g, "request": request, "session": session}


@pytest.mark.parametrize("name", sorted(PROXIES))
def test_proxy_outside_of_its_context_names_itself_the_line_and_what_to_write(app, name):
    about = "application" if name in ("current_app", "g") else "request"

    with pytest.raises(ContextError) as caught:
        PROXIES[name].anything
    line = inspect.currentframe().f_lineno - 1

    assert isinstance(caught.value, RuntimeError)
    assert str(caught.value).startswith(f"Working outside of {about} context.\n\n{name} needs")
    assert f"{__file__}:{line} in {inspect.currentframe().f_code.co_name}" in str(caught.value)
    call = "app.app_context()" if about == "application" else "app.test_request_context()"
    assert f"with {call}:" in caught.value.hint


def test_session_without_a_key_shows_a_line_to_paste(client):
    app = Costrel("shop")
    app.testing = True

    @app.get("/")
    def index():
        session["name"] = "ada"

    with pytest.raises(
        RuntimeError, match="The session is unavailable because no secret key was set"
    ) as caught:
        client(app).get("/")

    keys = re.findall(r'SECRET_KEY = "([0-9a-f]{64})"', str(caught.value))
    assert len(keys) == 1


# Parts that may be replaced.


def test_custom_session_interface_is_opened_with_the_context(app, client):
    calls = []

    class Own(SessionInterface):
        def open_session(self, app, request):
            calls.append("open")
            return SecureCookieSession({"name": "ada"})

        def save_session(self, app, session, response):
            calls.append(f"save {session['name']}")

    app.session_interface = Own()
    app.before_request(lambda: calls.append("before"))
    app.add_url_rule("/", "index", lambda: session["name"])

    assert client(app).get("/").text == "ada"
    assert calls == ["open", "before", "save ada"]


def test_own_session_is_opened_when_it_is_touched(app, client):
    opened = []

    @app.get("/")
    def index():
        opened.append(current.get()._session_object)
        session["a"] = 1
        return ""

    client(app).get("/")

    assert opened == [None]


def test_json_provider_replaced_is_used_by_everything(app, client):
    class Own(app.json_provider_class):
        def dumps(self, obj, **kwargs):
            return '"own"'

    app.json = Own(app)
    app.add_url_rule("/", "index", lambda: {"a": 1})

    assert client(app).get("/").text.strip() == '"own"'
    with app.app_context():
        assert costrel_json.dumps({}) == '"own"'


def test_application_without_static_folder_says_so(client):
    app = Costrel("shop", static_folder=None)

    with pytest.raises(RuntimeError, match="'static_folder' must be set"):
        app.send_static_file("x")


def test_application_is_freed_without_the_collector():
    import weakref

    gc.collect()
    gc.disable()
    try:
        app = Costrel("shop", static_folder="static")
        freed = weakref.ref(app)
        app.test_client().get("/static/none")
        del app
        assert freed() is None
    finally:
        gc.enable()


# Memory.


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "everything"])
def test_memory_stays_flat(kind):
    app = Costrel("shop")
    app.secret_key = "key"
    app.logger.disabled = True
    blueprint = Blueprint("inner", "shop", url_prefix="/inner")

    def work(name):
        if kind == "everything":
            session["name"] = name
            g.name = request.args.get("q", name)
            if name.endswith("3"):
                raise ValueError(name)
        return {"name": name}

    blueprint.add_url_rule("/<name>", "work", work)
    if kind == "everything":
        app.before_request(lambda: None)
        app.after_request(lambda response: response)
        app.teardown_request(lambda exc: None)
        app.register_error_handler(404, lambda error: ("none", 404))
    app.register_blueprint(blueprint)

    def serve(times, start):
        for number in range(start, start + times):
            path = "/none/" if number % 10 == 0 else f"/inner/{number}"
            environ = EnvironBuilder(path, query_string=f"q={number}").get_environ()
            body, _, _ = run_wsgi_app(app, environ)
            b"".join(body)

    serve(600, 0)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    serve(5_000, 10_000)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert grown < 60_000
