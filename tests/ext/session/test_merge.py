"""Two requests of one session: each keeps what it changed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costrel.ext.session.merge import merge

scalars = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b"])
lists = st.lists(scalars, max_size=3)
values = scalars | lists | st.dictionaries(st.sampled_from("xy"), scalars | lists, max_size=2)
contents = st.dictionaries(st.sampled_from("abc"), values, max_size=3)
slow_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slow_machine
@given(contents, contents)
def test_who_changed_nothing_takes_the_other_s_content(base, other):
    assert merge(base, base, other) == other
    assert merge(base, other, base) == other


@slow_machine
@given(contents, contents)
def test_the_same_change_on_both_sides_is_made_once(base, changed):
    assert merge(base, changed, changed) == changed


@slow_machine
@given(contents, contents, contents)
def test_a_key_that_one_side_changed_is_as_that_side_made_it(base, ours, theirs):
    merged = merge(base, ours, theirs)

    for key in base.keys() | ours.keys() | theirs.keys():
        missing = object()
        in_base, in_ours, in_theirs = (content.get(key, missing) for content in (base, ours, theirs))
        if repr(in_base) == repr(in_ours):
            assert merged.get(key, missing) == in_theirs or (key not in merged and in_theirs is missing)
        elif repr(in_base) == repr(in_theirs):
            assert merged.get(key, missing) == in_ours or (key not in merged and in_ours is missing)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ({}, {"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {}, {"a": 1, "b": 2}, {"b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 3}, {"a": 2}),
        ({"a": 1}, {}, {"a": 3}, {}),
        ({"a": 1}, {"a": 2}, {}, {"a": 2}),
        ({"a": 1}, {"a": True}, {"a": 1}, {"a": True}),
        ({"d": {"x": 1}}, {"d": {"x": 1, "y": 2}}, {"d": {"z": 3}}, {"d": {"z": 3, "y": 2}}),
        ({"l": [1]}, {"l": [1, 2]}, {"l": [1, 3]}, {"l": [1, 3, 2]}),
        ({"l": [1, 2]}, {"l": [1, 2, 3]}, {"l": [2]}, {"l": [2, 3]}),
        ({"l": [1, 2]}, {"l": [2]}, {"l": [1, 2, 3]}, {"l": [2, 3]}),
        # messages that one request showed and took away, while another one added some
        ({"_flashes": ["a"]}, {"_flashes": ["a", "b"]}, {}, {"_flashes": ["b"]}),
        ({"_flashes": ["a"]}, {}, {"_flashes": ["a", "b"]}, {"_flashes": ["b"]}),
        ({"l": [1]}, {"l": [9]}, {"l": [8]}, {"l": [9]}),
        ({"l": [1]}, {"l": [1, 2]}, {"l": "text"}, {"l": [1, 2]}),
        ({}, {"l": [1]}, {"l": [2]}, {"l": [1]}),
    ],
)
def test_what_is_merged(base, ours, theirs, merged):
    assert merge(base, ours, theirs) == merged
