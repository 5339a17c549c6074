"""Applications are found as Flask finds them, and what is wrong is told with a cure."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from costrel import Costrel
from costrel.cli import NoAppException, find_app_by_string, find_best_app, locate_app, prepare_import


def module(**names):
    made = ModuleType("shop")
    vars(made).update(names)
    return made


@pytest.mark.parametrize("name", ["app", "application"])
def test_the_usual_names_come_before_any_other_instance(name):
    app = Costrel("shop")

    assert find_best_app(module(**{"a_first": Costrel("other"), name: app})) is app


def test_the_only_instance_is_taken():
    app = Costrel("shop")

    assert find_best_app(module(anything=app)) is app


def test_one_instance_under_two_names_is_still_the_only_one():
    app = Costrel("shop")

    assert find_best_app(module(one=app, two=app)) is app


def test_two_instances_are_refused_with_their_names_and_the_line_to_type():
    with pytest.raises(NoAppException) as caught:
        find_best_app(module(first=Costrel("a"), second=Costrel("b")))

    assert "first, second" in caught.value.message
    assert "--app shop:first" in caught.value.message


@pytest.mark.parametrize("name", ["create_app", "make_app"])
def test_a_factory_is_called(name):
    assert find_best_app(module(**{name: lambda: Costrel("made")})).name == "made"


def test_a_factory_that_needs_arguments_is_refused_with_the_form_that_gives_them():
    def create_app(mode):
        return Costrel(mode)

    with pytest.raises(NoAppException) as caught:
        find_best_app(module(create_app=create_app))

    assert "could not call it without arguments" in caught.value.message
    assert """--app 'shop:create_app("value")'""" in caught.value.message


def test_a_type_error_inside_of_a_factory_is_not_taken_for_wrong_arguments():
    def create_app():
        raise TypeError("a fault of its own")

    with pytest.raises(TypeError, match="a fault of its own"):
        find_best_app(module(create_app=create_app))


def test_a_module_without_application_is_told_with_the_names_that_were_looked_for():
    with pytest.raises(NoAppException) as caught:
        find_best_app(module())

    assert "app, application, create_app, make_app" in caught.value.message


@pytest.mark.parametrize("text", ["create_app('x')", " create_app ( 'x', ) ", "create_app(name='x')"])
def test_a_factory_is_called_with_the_literals_of_the_text(text):
    def create_app(name):
        return Costrel(name)

    assert find_app_by_string(module(create_app=create_app), text).name == "x"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("create_app(", "Failed to parse"),
        ("a + b", "Failed to parse"),
        ("a.b()", "must be a simple name"),
        ("create_app(open)", "as literal values"),
        ("create_app()", "It is create_app(name)"),
        ("aap", "Did you mean 'app'?"),
        ("number", "which is a int"),
    ],
)
def test_a_text_that_leads_to_no_application_is_refused(text, told):
    def create_app(name):
        return Costrel(name)

    with pytest.raises(NoAppException) as caught:
        find_app_by_string(module(create_app=create_app, app=Costrel("x"), number=1), text)

    assert told in caught.value.message


def test_nothing_in_the_text_is_evaluated(tmp_path):
    created = tmp_path / "created"

    with pytest.raises(NoAppException):
        find_app_by_string(module(app=lambda *a: None), f"app(open({str(created)!r}, 'w'))")

    assert not created.exists()


@pytest.mark.parametrize("text", ["hello", "hello.py", "./hello.py"])
def test_a_file_and_a_name_are_the_same(project, tmp_path, text):
    project("hello.py", "")

    assert prepare_import(text) == "hello"
    assert sys.path[0] == str(tmp_path)


def test_a_module_in_a_package_is_imported_from_above_the_outermost_package(project, tmp_path):
    project("src/shop/__init__.py", "")
    project("src/shop/web/__init__.py", "")

    assert prepare_import("src/shop/web/__init__.py") == "shop.web"
    assert sys.path[0] == str(tmp_path / "src")


def test_an_import_error_shows_the_line_of_the_file_and_not_the_importer(project):
    project("app.py", "import sys\nimport no_such_module\n")
    prepare_import("app.py")

    with pytest.raises(NoAppException) as caught:
        locate_app("app", None)

    lines = caught.value.message.splitlines()
    assert lines[0] == "While importing 'app', an ImportError was raised:"
    assert lines[2:] == [
        "ModuleNotFoundError: No module named 'no_such_module'",
        "  app.py:2",
        "    1 | import sys",
        "  > 2 | import no_such_module",
        "        ^^^^^^^^^^^^^^^^^^^^^",
        "  1 more frame hidden; '--traceback full' shows all",
    ]


def test_a_module_that_is_not_there_is_told_with_the_nearest_file(project):
    project("hello.py", "")
    prepare_import("helo")

    with pytest.raises(NoAppException, match="Did you mean 'hello'"):
        locate_app("helo", None)


def test_a_module_that_is_not_there_may_be_ignored_but_not_one_that_fails(project):
    project("broken.py", "import no_such_module")
    prepare_import("broken.py")

    assert locate_app("no_such_file", None, raise_if_not_found=False) is None
    with pytest.raises(NoAppException):
        locate_app("broken", None, raise_if_not_found=False)
