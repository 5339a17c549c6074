"""Formats: JSON always, MessagePack with a library for it."""

from __future__ import annotations

import importlib.util

import pytest

from costrel.errors import ConfigError
from costrel.ext.session.serializers import JSONSerializer, MsgpackSerializer, make_serializer


def test_json_needs_nothing():
    assert isinstance(make_serializer("json"), JSONSerializer)


def test_msgpack_needs_a_library_and_says_which():
    if importlib.util.find_spec("msgspec") or importlib.util.find_spec("msgpack"):
        serializer = make_serializer("msgpack")
        assert isinstance(serializer, MsgpackSerializer)
        assert serializer.decode(serializer.encode({"size": (1, b"x")})) == {"size": (1, b"x")}
    else:
        with pytest.raises(ConfigError) as caught:
            make_serializer("msgpack")
        assert "pip install msgspec" in caught.value.hint


@pytest.mark.parametrize("content", [{"a": 1, "b": [2, {"c": (3,)}]}, {}])
def test_the_same_content_gives_the_same_bytes(content):
    serializer = JSONSerializer()

    assert serializer.encode(serializer.decode(serializer.encode(content))) == serializer.encode(content)


def test_either_format_reads_what_json_wrote():
    packed = MsgpackSerializer(lambda value: b"", lambda data: None)

    assert packed.decode(b'{"size":{" t":[3,4]}}') == {"size": (3, 4)}
