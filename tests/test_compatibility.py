"""What applications and extensions written for Flask do besides its documented interface.

Each promise here is one that a released extension relies on, or its tests.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings
from functools import partial
from unittest import mock

import pytest
from werkzeug.local import LocalProxy

from costrel import Costrel, has_app_context, has_request_context, request, session, url_for
from costrel.globals import _cv_app, _cv_request, app_ctx, request_ctx
from costrel.views import View


@pytest.mark.parametrize(
    ("module", "name", "home"),
    [
        ("flask.app", "Rule", "werkzeug.routing"),
        ("flask.app", "request_started", "flask.signals"),
        ("flask.ctx", "_cv_request", "flask.globals"),
        ("flask.helpers", "current_app", "flask.globals"),
        ("flask.json.provider", "http_date", "werkzeug.http"),
        ("flask.sessions", "BadSignature", "itsdangerous"),
        ("flask.testing", "Client", "werkzeug.test"),
        ("flask.views", "request", "flask.globals"),
    ],
)
def test_a_name_that_flasks_module_only_imports_can_be_imported_from_it(module, name, home):
    code = f"import costrel.as_flask\nimport {module} as m, {home} as home\nassert m.{name} is home.{name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr == ""


def test_a_module_or_a_renamed_name_that_flasks_module_imports_can_be_imported_from_it():
    code = (
        "import costrel.as_flask, sys, werkzeug.wrappers\n"
        "from flask.app import cli, click, BaseResponse\n"
        "import flask.cli\n"
        "assert cli is flask.cli and click is sys.modules['click']\n"
        "assert BaseResponse is werkzeug.wrappers.Response\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr == ""


def test_the_session_of_a_context_can_be_replaced_without_being_marked_as_accessed(app):
    with app.test_request_context():
        own = {"kept": "elsewhere"}
        request_ctx._session = own

        assert request_ctx._session is own
        assert session["kept"] == "elsewhere"


def test_the_functions_that_wait_for_a_response_can_be_replaced(app):
    with app.test_request_context() as ctx:
        ctx._after_request_functions = [len]

        assert ctx._after_request_functions == [len]


@pytest.fixture
def flask_app(app):
    """An application as the alias makes it."""
    app._flask_defaults = True

    return app


def test_an_app_context_may_be_popped_before_a_request_that_was_pushed_on_it(flask_app):
    ended = []
    flask_app.teardown_appcontext(lambda exc: ended.append("app"))
    flask_app.teardown_request(lambda exc: ended.append("request"))
    outer = flask_app.app_context()
    around = flask_app.test_request_context("/page")
    outer.push()
    around.push()

    outer.pop()

    assert ended == ["app"]
    assert request.path == "/page"

    around.pop()

    assert ended == ["app", "request"]
    assert not has_app_context()


def test_requests_on_one_app_context_keep_their_order_when_it_goes_first(flask_app):
    base, outer = flask_app.app_context(), flask_app.app_context()
    first, second = (flask_app.test_request_context(path) for path in ("/1", "/2"))
    for ctx in (base, outer, first, second):
        ctx.push()

    outer.pop()
    second.pop()

    assert request.path == "/1"

    first.pop()

    assert app_ctx._get_current_object() is base

    base.pop()

    assert not has_app_context()


def test_a_request_may_be_popped_before_an_app_context_that_was_pushed_on_it(flask_app):
    contexts = flask_app.app_context(), flask_app.test_request_context("/page"), flask_app.app_context()
    for ctx in contexts:
        ctx.push()

    contexts[1].pop()

    assert not has_request_context()
    assert app_ctx._get_current_object() is contexts[2]

    contexts[2].pop()

    assert app_ctx._get_current_object() is contexts[0]

    contexts[0].pop()

    assert not has_app_context()


def test_a_client_block_may_end_after_the_app_context_inside_of_it(flask_app):
    with flask_app.test_client() as client, flask_app.app_context():
        client.get("/missing")

        assert request.path == "/missing"

    assert not has_app_context()


@pytest.mark.parametrize("kinds", [("request", "app"), ("app", "app"), ("request", "request")])
def test_other_contexts_are_popped_in_the_order_they_were_pushed(flask_app, kinds):
    make = {"request": flask_app.test_request_context, "app": flask_app.app_context}
    lower, upper = (make[kind]() for kind in kinds)
    with lower, upper, pytest.raises(AssertionError, match="Popped wrong app context"):
        lower.pop()


def test_a_builders_arguments_become_a_request_of_the_client(app):
    made = app.test_client()._request_from_builder_args((), {"path": "/page", "headers": {"X-Kind": "a"}})

    assert (made.path, made.headers["X-Kind"], made.remote_addr) == ("/page", "a", "127.0.0.1")


@pytest.mark.parametrize("name", ["request", "session"])
def test_a_mock_of_a_contexts_attribute_gives_the_old_one_back(app, name):
    with app.test_request_context("/page") as ctx:
        before = getattr(ctx, name)
        with mock.patch.object(ctx, name, "mocked"):
            assert getattr(ctx, name) == "mocked"

        assert getattr(ctx, name) is before


def test_a_view_of_a_class_has_the_arguments_for_the_class_in_its_closure():
    class Page(View):
        def __init__(self, colour):
            self.colour = colour

    view = Page.as_view("page", colour="red")
    closure = dict(zip(view.__code__.co_freevars, view.__closure__, strict=True))

    assert closure["class_kwargs"].cell_contents == {"colour": "red"}
    assert closure["class_args"].cell_contents == ()


def test_an_application_may_decide_itself_which_values_every_url_gets(client):
    class Localized(Costrel):
        def inject_url_defaults(self, endpoint, values):
            values.setdefault("language", "de")

    app = Localized("localized")
    app.get("/<language>/page", endpoint="page")(lambda language: url_for("page"))

    assert client(app).get("/fr/page").text == "/de/page"


def test_a_star_import_under_flasks_name_brings_the_modules_that_flask_has_loaded():
    code = (
        "import costrel.as_flask, flask\n"
        "from flask import *\n"
        "assert json is flask.json and sessions is flask.sessions and Flask is flask.Flask\n"
        "assert 'views' not in vars(__import__('__main__'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr == ""


class _Equal:
    """Wraps a function as the tools that measure applications do: equal to it, and another object."""

    def __init__(self, function, calls):
        self.function, self.calls = function, calls

    def __get__(self, instance, owner):
        return self if instance is None else partial(self, instance)

    def __call__(self, *args, **kwargs):
        self.calls.append(self.function.__name__)
        return self.function(*args, **kwargs)

    def __eq__(self, other):
        return self.function == other

    def __hash__(self):
        return hash(self.function)


@pytest.mark.parametrize(
    "name",
    ["full_dispatch_request", "dispatch_request", "preprocess_request", "make_response", "process_response"],
)
def test_a_wrapper_round_a_method_is_called_although_it_says_that_it_equals_the_method(
    app, client, monkeypatch, name
):
    calls = []
    app.get("/")(lambda: "answer")
    browser = client(app)
    browser.get("/")
    monkeypatch.setattr(Costrel, name, _Equal(getattr(Costrel, name), calls))

    assert browser.get("/").text == "answer"
    assert calls == [name]


def test_a_long_static_file_that_a_test_does_not_read_is_closed_without_a_warning(tmp_path, client):
    (tmp_path / "long.bin").write_bytes(b"x" * 100_000)
    app = Costrel("shop", static_folder=tmp_path)
    answer = client(app).get("/static/long.bin")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del answer
        gc.collect()

    assert caught == []


def test_an_extension_can_make_its_own_proxy_of_a_context_variable(app):
    page = LocalProxy(_cv_request, "page")
    name = LocalProxy(_cv_app, "name")

    assert not page
    assert not name
    with app.test_request_context() as ctx:
        ctx.page, ctx.name = ["a"], "b"

        assert page == ["a"]
        assert name == "b"


def test_the_warning_of_another_host_names_both_as_hosts_are_written(flask_app):
    flask_app.subdomain_matching = True
    flask_app.config["SERVER_NAME"] = "Shop.example:80"

    with pytest.warns(
        UserWarning, match="'other.example' doesn't match configured server name 'shop.example'$"
    ):
        flask_app.test_client().get("/", headers={"Host": "Other.example"})
