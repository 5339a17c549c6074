"""What applications and blueprints share: each decorator fills its table, and mistakes are named."""

from __future__ import annotations

import sys

import pytest
from werkzeug.exceptions import HTTPException, NotFound

from costrel import Blueprint, Costrel
from costrel.sansio.scaffold import Scaffold, find_package


@pytest.fixture(params=["application", "blueprint"])
def scaffold(request):
    """An application and a blueprint, which are set up alike."""
    return Costrel(__name__) if request.param == "application" else Blueprint("shop", __name__)


@pytest.mark.parametrize(
    ("decorator", "table"),
    [
        ("before_request", "before_request_funcs"),
        ("after_request", "after_request_funcs"),
        ("teardown_request", "teardown_request_funcs"),
        ("context_processor", "template_context_processors"),
        ("url_value_preprocessor", "url_value_preprocessors"),
        ("url_defaults", "url_default_functions"),
    ],
)
def test_decorator_adds_to_its_table_and_returns_the_function(scaffold, decorator, table):
    def function(*args): ...

    assert getattr(scaffold, decorator)(function) is function
    assert getattr(scaffold, table)[None][-1] is function


@pytest.mark.parametrize("table", ["before_request_funcs", "after_request_funcs", "teardown_request_funcs"])
def test_hook_may_be_added_to_a_table_that_was_replaced(scaffold, table):
    setattr(scaffold, table, {})

    getattr(scaffold, table.removesuffix("_funcs"))(len)

    assert getattr(scaffold, table) == {None: [len]}


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch"])
def test_each_method_has_a_decorator(method):
    app = Costrel(__name__, static_folder=None)

    getattr(app, method)("/", endpoint="x")(lambda: "")
    (rule,) = app.url_map.iter_rules()

    assert rule.methods == {method.upper(), "OPTIONS"} | ({"HEAD"} if method == "get" else set())


def test_decorator_of_one_method_takes_no_others(scaffold):
    with pytest.raises(TypeError, match="Use the 'route' decorator to use the 'methods' argument"):
        scaffold.get("/", methods=["POST"])


def test_endpoint_may_get_its_view_later(client):
    app = Costrel(__name__)
    app.add_url_rule("/", endpoint="late")

    @app.endpoint("late")
    def view():
        return "late"

    assert client(app).get("/").text == "late"


@pytest.mark.parametrize(
    ("what", "cls", "code"),
    [
        (404, NotFound, 404),
        (NotFound, NotFound, 404),
        (HTTPException, HTTPException, None),
        (KeyError, KeyError, None),
    ],
)
def test_handler_is_kept_by_code_and_class(scaffold, what, cls, code):
    handler = scaffold.errorhandler(what)(lambda error: "")

    assert scaffold.error_handler_spec[None][code] == {cls: handler}


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        (999, ValueError, "'999' is not a recognized HTTP error code"),
        (KeyError(), TypeError, "is an instance, not a class"),
        (int, ValueError, "'int' is not a subclass of Exception"),
    ],
)
def test_handler_for_what_is_no_error_is_refused(scaffold, what, error, message):
    with pytest.raises(error, match=message):
        scaffold.register_error_handler(what, lambda error: "")


@pytest.mark.parametrize(
    ("folder", "url_path", "expected_folder", "expected_url"),
    [
        ("static", None, "static", "/static"),
        ("static/", None, "static", "/static"),
        ("deep/files", None, "deep/files", "/files"),
        ("static", "/assets/", "static", "/assets"),
        ("static", "", "static", ""),
    ],
)
def test_static_folder_and_url_are_tidied(tmp_path, folder, url_path, expected_folder, expected_url):
    blueprint = Blueprint(
        "shop", __name__, root_path=str(tmp_path), static_folder=folder, static_url_path=url_path
    )

    assert blueprint.static_folder == str(tmp_path / expected_folder)
    assert blueprint.static_url_path == expected_url
    assert blueprint.has_static_folder


def test_without_folders_there_are_none():
    blueprint = Blueprint("shop", __name__)

    assert blueprint.static_folder is blueprint.static_url_path is blueprint.jinja_loader is None
    assert not blueprint.has_static_folder


def test_both_are_scaffolds_and_print_their_name(scaffold):
    assert isinstance(scaffold, Scaffold)
    assert repr(scaffold) == f"<{type(scaffold).__name__} {scaffold.name!r}>"


# Where packages are installed.


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Put packages under a folder and on the path; forget them afterwards."""

    def install(folder, name="a_package_for_this_test"):
        package = tmp_path / folder / name
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        monkeypatch.syspath_prepend(str(tmp_path / folder))
        return name

    yield install
    sys.modules.pop("a_package_for_this_test", None)


@pytest.mark.parametrize(
    ("folder", "prefix"),
    [
        ("venv/lib/python3.11/site-packages", "venv"),
        ("venv/Lib/site-packages", "venv"),
        ("venv/site-packages", "venv"),
        ("code", None),
    ],
)
def test_prefix_of_an_installed_package_is_found(installed, tmp_path, folder, prefix):
    name = installed(folder)

    found, package_path = find_package(name)

    assert found == (None if prefix is None else str(tmp_path / prefix))
    assert package_path == str(tmp_path / folder)


def test_package_that_is_not_there_is_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert find_package("no_such_package_anywhere") == (None, str(tmp_path))
