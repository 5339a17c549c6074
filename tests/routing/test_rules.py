"""Mistakes in rules are told where they are made, with what to write instead."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import routing as werkzeug_routing

from costrel import routing as costrel_routing
from costrel.routing import ConverterError, Map, Rule, RuleError


def error_of(text, kind):
    with pytest.raises(kind) as caught:
        Map([Rule(text, endpoint="x")])
    return caught.value


@pytest.mark.parametrize(
    ("name", "meant"), [("integer", "int"), ("str", "string"), ("flaot", "float"), ("guid", "uuid")]
)
def test_unknown_converter_names_the_one_that_was_meant(name, meant):
    error = error_of(f"/u/<{name}:id>", LookupError)

    assert isinstance(error, ConverterError)
    assert f"the converter {name!r} does not exist" in error.problem
    assert f"Did you mean {meant!r}?" in error.hint
    assert "any, default, float, int, path, string, uuid" in error.hint


def test_unknown_converter_like_none_gets_the_list_alone():
    error = error_of("/u/<zzz:id>", ConverterError)

    assert error.hint == "There are: any, default, float, int, path, string, uuid."


def test_converter_and_name_in_the_wrong_order_are_turned_round():
    error = error_of("/u/<id:int>", ConverterError)

    assert error.hint == "The converter comes first: <int:id>."


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("/u/<id", "both brackets"),
        ("/u/<user-id>", "<user_id>"),
        ("/u/<int: id>", "<int:id>"),
        ("/u/<int:user id>", "<int:user_id>"),
        ("/u/<>", "<converter:name>"),
        ("/u/<id>/<id>", "a name of its own"),
    ],
)
def test_malformed_rule_says_how_a_variable_is_written(text, hint):
    error = error_of(text, ValueError)

    assert isinstance(error, RuleError)
    assert "malformed url rule" in error.problem
    assert repr(text) in error.problem
    assert hint in error.hint


def test_rule_without_a_leading_slash_is_shown_with_one():
    error = error_of("users", ValueError)

    assert "URL rule 'users' must start with a slash." in error.problem
    assert error.hint == "Write '/users'."


def test_rules_and_maps_are_werkzeugs():
    rule = Rule("/x", endpoint="x")

    assert isinstance(rule, werkzeug_routing.Rule)
    assert isinstance(Map(), werkzeug_routing.Map)
    assert type(rule.empty()) is Rule


def test_werkzeugs_factories_of_rules_work():
    urls = Map([werkzeug_routing.Submount("/blog", [Rule("/<int:id>", endpoint="entry")])])

    rule, args = urls.table.match("GET", "/blog/7")

    assert (rule.endpoint, args) == ("entry", {"id": 7})


@given(
    st.lists(st.sampled_from(["/x/", "/", "/y", "-"]), min_size=1, max_size=3),
    st.sampled_from(["", "/z", "/", "<int:n>"]),
    st.text("xyza/-1", max_size=14),
)
def test_rule_of_several_paths_matches_as_werkzeugs_does(between, end, path):
    variables = [f"<path:v{number}>" for number in range(len(between) + 1)]
    text = "/" + "".join(map("".join, zip(variables, [*between, end], strict=True)))

    def parts(routing):
        rule = routing.Rule(text, endpoint="x")
        routing.Map([rule])
        return [part.content for part in rule._parts if part.final]

    theirs, ours = (re.match(parts(routing)[0], path) for routing in (werkzeug_routing, costrel_routing))
    assert (theirs and theirs.groups()) == (ours and ours.groups())
