"""A view that cannot take the variables of its rule is refused, with its place and the line to write."""

from __future__ import annotations

import inspect

import pytest

from costrel.core.views import caller_place, check_view_arguments, where_defined
from costrel.errors import SetupError


def check(view, *arguments, rule="/u/<int:user_id>"):
    check_view_arguments(rule, arguments, inspect.signature(view), view)


def takes_it(user_id): ...
def takes_it_by_name(*, user_id): ...
def takes_all(**values): ...
def takes_more_with_default(user_id, page=1): ...
def takes_another(id): ...
def takes_nothing(): ...
def takes_two(user_id, tab): ...
def takes_it_by_place(user_id, /): ...


@pytest.mark.parametrize("view", [takes_it, takes_it_by_name, takes_all, takes_more_with_default])
def test_view_with_an_argument_for_each_variable_passes(view):
    check(view, "user_id")


@pytest.mark.parametrize("view", [takes_another, takes_nothing, takes_it_by_place])
def test_variable_without_an_argument_is_refused(view):
    with pytest.raises(SetupError) as caught:
        check(view, "user_id")

    assert "'/u/<int:user_id>' has <user_id>" in caught.value.problem
    assert caught.value.problem.endswith(f"{__file__}:{view.__code__.co_firstlineno})")
    assert f"Write def {view.__name__}(user_id)" in caught.value.hint


def test_argument_without_a_variable_is_refused():
    with pytest.raises(SetupError) as caught:
        check(takes_two, "user_id")

    assert "needs 'tab'" in caught.value.problem
    assert "add <tab> to the rule" in caught.value.hint


def test_function_is_named_with_file_and_line_also_behind_a_wrapper():
    import functools

    @functools.wraps(takes_it)
    def wrapper(**values): ...

    place = f"takes_it ({__file__}:{takes_it.__code__.co_firstlineno})"

    assert where_defined(takes_it) == where_defined(wrapper) == place


def test_what_has_no_code_is_named_as_well_as_may_be():
    class View: ...

    assert where_defined(len) == "len"
    assert where_defined(View()) == "View"


def test_place_of_the_caller_is_outside_the_package():
    line = inspect.currentframe().f_lineno + 1
    assert caller_place() == f"{__file__}:{line}"
