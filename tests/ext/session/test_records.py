"""What is written of a session is read again; anything else is no session."""

from __future__ import annotations

import datetime
import json
import pickle
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from costrel.ext.session import SessionTooLargeError, SessionValueError
from costrel.ext.session.records import Stamp, decode, encode
from costrel.ext.session.serializers import JSONSerializer, MsgpackSerializer

STAMP = Stamp(1_800_000_000, 1_800_000_500, 1_800_000_100)
SERIALIZERS = [
    JSONSerializer(),
    MsgpackSerializer(lambda value: json.dumps(value).encode(), json.loads),
]


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize(
    "content",
    [
        {},
        {"a": 1, "b": [1, 2], "c": None},
        {" t": [1]},
        {
            "tuple": (1, (2,)),
            "bytes": b"\xff",
            "id": uuid.UUID(int=7),
            "markup": Markup("<b>"),
            "when": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
            "nested": {"deep": [{"t": (1,)}]},
        },
    ],
)
def test_what_is_written_is_read(serializer, content):
    record = decode(serializer, encode(serializer, content, STAMP, max_bytes=0))

    assert record.content == content
    assert record.stamp == STAMP


def test_where_it_began_is_kept_with_it():
    stamp = Stamp(1, 2, 3, "203.0.113.7", "Browser/1")

    assert decode(JSONSerializer(), encode(JSONSerializer(), {}, stamp, max_bytes=0)).stamp == stamp


def test_sessions_of_flask_session_are_read_and_have_no_stamp():
    record = decode(JSONSerializer(), b'{"value":"44","_permanent":true}')

    assert record.content == {"value": "44", "_permanent": True}
    assert record.stamp is None


def test_flask_session_could_read_ours():
    written = encode(JSONSerializer(), {"value": "44"}, STAMP, max_bytes=0)

    assert json.loads(written)["value"] == "44"


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x00",
        b"null",
        b"[1]",
        b'"text"',
        b'{"a":',
        b"\xff\xfe{}",
        pickle.dumps({"value": 1}),
        pickle.dumps(Bomb()),
        pickle.dumps(Bomb(), protocol=0),
        b'{"_costrel":[1,2,3],"a":{" d":"no date"}',
        b'{"a":{" u":"no uuid"}}',
        b'{"a":{" b":7}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_what_is_no_session_is_none_and_runs_no_code(serializer, garbage):
    assert decode(serializer, garbage) is None


@pytest.mark.parametrize(
    "stamp", [None, 7, "text", [], [1], [1, 2, "3"], [1, 2, True], [1, 2, 3, 4, 5], [1, 2, 3, "ip"], {"a": 1}]
)
def test_a_stamp_of_another_form_is_none(stamp):
    record = decode(JSONSerializer(), json.dumps({"a": 1, "_costrel": stamp}).encode())

    assert record.content == {"a": 1}
    assert record.stamp is None


@given(st.binary(max_size=200))
def test_no_bytes_are_an_error(value):
    record = decode(JSONSerializer(), value)

    assert record is None or isinstance(record.content, dict)


def test_a_session_may_have_so_many_bytes_and_not_one_more():
    length = len(encode(JSONSerializer(), {"a": "x" * 50}, STAMP, max_bytes=0))

    assert len(encode(JSONSerializer(), {"a": "x" * 50}, STAMP, max_bytes=length)) == length
    with pytest.raises(SessionTooLargeError) as caught:
        encode(JSONSerializer(), {"a": "x" * 50, "b": "", "c": 1, "d": 2}, STAMP, max_bytes=length)

    assert "SESSION_MAX_BYTES" in caught.value.problem
    assert "'a', " in caught.value.problem
    assert "xx" not in caught.value.problem
    assert "database" in caught.value.hint


@pytest.mark.parametrize("value", [object(), {1, 2}, [object()]])
def test_a_value_that_cannot_be_stored_is_named(value):
    with pytest.raises(SessionValueError) as caught:
        encode(JSONSerializer(), {"fine": 1, "cart": value}, STAMP, max_bytes=0)

    assert "session['cart']" in caught.value.problem
    assert type(value).__name__ in caught.value.hint
