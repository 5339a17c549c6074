"""The functions of ``costrel.json`` use the application of the context, if there is one."""

import io
import json as standard
import math
import types

import pytest

from costrel import _current, json
from costrel.json.provider import DefaultJSONProvider


class App:
    debug = False

    @staticmethod
    def response_class(body, mimetype):
        return body, mimetype


@pytest.fixture
def app_in_context():
    app = App()
    app.json = DefaultJSONProvider(app)
    token = _current.current.set(types.SimpleNamespace(app=app, has_request=False))
    yield app
    _current.current.reset(token)


def test_provider_of_the_context_is_used(app_in_context):
    app_in_context.json.sort_keys = False

    assert json.dumps({"b": 1, "a": 2}) == '{"b": 1, "a": 2}'
    assert json.jsonify(b=1, a=2) == (b'{"b":1,"a":2}\n', "application/json")
    with pytest.raises(standard.JSONDecodeError):
        json.loads("NaN")


def test_files_are_written_and_read_by_the_provider(app_in_context):
    file = io.StringIO()
    json.dump({"b": 1, "a": math.nan}, file)
    file.seek(0)

    assert file.getvalue() == '{"a": null, "b": 1}'
    assert json.load(file) == {"a": None, "b": 1}


def test_standard_library_is_used_outside_of_a_context():
    file = io.StringIO()
    json.dump({"b": 1, "a": b"".__class__.__name__}, file)
    file.seek(0)

    assert json.dumps({"b": 1, "a": 2}) == '{"b": 1, "a": 2}'
    assert json.load(file) == {"b": 1, "a": "bytes"}
    assert math.isnan(json.loads("NaN"))


def test_jsonify_outside_of_a_context_names_itself():
    with pytest.raises(RuntimeError, match="Working outside of application context") as caught:
        json.jsonify(1)

    assert "jsonify()" in str(caught.value)
