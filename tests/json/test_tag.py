"""Tagged JSON brings back the types it was given."""

import json
from collections import namedtuple
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from costrel.json.tag import JSONTag, TaggedJSONSerializer, TagUUID

keys = st.text(max_size=5) | st.sampled_from([" t", " t__", " di", " b", " ", '" ', "\x20d"])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | keys
    | st.binary(max_size=5)
    | st.text(max_size=5).map(Markup)
    | st.uuids()
    | st.datetimes(datetime(1000, 1, 1), timezones=st.just(UTC)).map(
        lambda value: value.replace(microsecond=0)
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=10,
)


def types_in(value):
    if isinstance(value, dict):
        return {key: types_in(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [types_in(inner) for inner in value]

    return type(value)


@given(values)
def test_what_was_written_is_read_again_with_its_types(value):
    serializer = TaggedJSONSerializer()
    again = serializer.loads(serializer.dumps(value))

    assert again == value
    assert types_in(again) == types_in(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((1, 2), '{" t":[1,2]}'),
        (b"\xff", '{" b":"/w=="}'),
        (Markup("<b>"), '{" m":"<b>"}'),
        (UUID(int=1), '{" u":"00000000000000000000000000000001"}'),
        (datetime(2026, 11, 21, tzinfo=UTC), '{" d":"Sat, 21 Nov 2026 00:00:00 GMT"}'),
        ({" t": 1}, '{" di":{" t__":1}}'),
        ({"a": (1,), "b": [b""]}, '{"a":{" t":[1]},"b":[{" b":""}]}'),
    ],
)
def test_text_is_that_of_flask(value, text):
    assert TaggedJSONSerializer().dumps(value) == text


def test_text_with_other_spaces_and_escapes_is_read_too():
    serializer = TaggedJSONSerializer()

    assert serializer.loads('{ " t" : [ 1 ] }') == (1,)
    assert serializer.loads('{"\\u0020t": [1]}') == (1,)


def test_subclass_of_a_type_is_written_as_the_type():
    point = namedtuple("point", "x y")(1, 2)
    serializer = TaggedJSONSerializer()

    assert serializer.loads(serializer.dumps({"point": point})) == {"point": (1, 2)}


def test_tag_of_ones_own_is_asked_about_every_value():
    class TagWord(JSONTag):
        key = "word"

        def check(self, value):
            return value == "ping"

        def to_json(self, value):
            return value.upper()

        def to_python(self, value):
            return value.lower()

    serializer = TaggedJSONSerializer()
    serializer.register(TagWord, index=0)

    assert json.loads(serializer.dumps({"a": "ping", "b": "x"})) == {"a": {"word": "PING"}, "b": "x"}
    assert serializer.loads('{"a":{"word":"PING"}}') == {"a": "ping"}


def test_order_is_that_of_registration_unless_told():
    class First(JSONTag):
        key = " 1"

    class Last(JSONTag):
        key = " 2"

    serializer = TaggedJSONSerializer()
    serializer.register(Last)
    serializer.register(First, index=0)

    assert isinstance(serializer.order[0], First)
    assert isinstance(serializer.order[-1], Last)


def test_second_tag_of_a_key_needs_force():
    class Mine(TagUUID):
        pass

    serializer = TaggedJSONSerializer()
    with pytest.raises(KeyError, match="TagUUID"):
        serializer.register(Mine)

    serializer.register(Mine, force=True, index=0)
    assert isinstance(serializer.tags[" u"], Mine)
    assert "u" in serializer.dumps(uuid4())


def test_tag_must_say_what_it_does():
    tag = JSONTag(None)

    for method in (tag.check, tag.to_json, tag.to_python):
        with pytest.raises(NotImplementedError):
            method(None)
