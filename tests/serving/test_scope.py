"""The environment worked out of a scope says the same whether it is asked for one value or for all."""

from __future__ import annotations

import pytest

from costrel.serving.scope import ScopeEnviron, fill


def make_scope(**changed):
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/a",
        "raw_path": b"/a",
        "query_string": b"page=1",
        "root_path": "",
        "headers": [(b"host", b"shop.example"), (b"x-user", b"ada")],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.2", 51514),
        **changed,
    }


def whole(scope):
    environ = {}
    fill(environ, scope, None)

    return environ


@pytest.mark.parametrize(
    "scope",
    [
        make_scope(),
        make_scope(scheme="https"),
        make_scope(scheme="wss"),
        make_scope(query_string=b"caf%C3%A9=\xe9"),
        make_scope(headers=[(b"cookie", b"a=1"), (b"cookie", b"b=2")]),
        {key: value for key, value in make_scope().items() if key not in ("scheme", "query_string")},
    ],
)
def test_one_value_is_what_the_whole_environment_has(scope):
    expected = whole(scope)

    for key in (*expected, "HTTP_COOKIE", "HTTP_MISSING", "CONTENT_TYPE"):
        if key not in ("wsgi.input", "asgi.scope"):
            assert ScopeEnviron(scope, None).get(key) == expected.get(key), key
            assert (key in ScopeEnviron(scope, None)) == (key in expected), key
