"""An environment becomes a scope, out of which the application makes the same environment again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import create_environ

from costrel.serving.scope import ScopeEnviron
from costrel.testing.scopes import http_scope, read_headers, websocket_scope

# What a server of ASGI says otherwise, or more of.
OTHERWISE = {
    "asgi.scope",
    "RAW_URI",
    "REQUEST_URI",
    "REMOTE_PORT",
    "wsgi.input",
    "wsgi.input_terminated",
    "wsgi.multiprocess",
    "wsgi.multithread",
}


def there_and_back(environ):
    return dict(ScopeEnviron(http_scope(environ), None).items())


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["http://localhost", "https://shop.test:8443/root", "http://[::1]:80/r%20t"]),
    st.dictionaries(st.sampled_from(["X-Kind", "Accept", "Cookie"]), st.text("abc é", max_size=5)),
)
def test_there_and_back_is_the_same(path, base_url, headers):
    path = "/" + path.replace("?", "").replace("#", "")
    environ = create_environ(
        path, base_url, headers=headers, method="PUT", data=b"body", environ_base={"REMOTE_ADDR": "192.0.2.1"}
    )

    again = there_and_back(environ)
    again.pop("wsgi.file_wrapper", None)  # a server's offer

    assert {key: again.get(key) for key in environ.keys() - OTHERWISE} == {
        key: environ[key] for key in environ.keys() - OTHERWISE
    }
    assert again.keys() - OTHERWISE == environ.keys() - OTHERWISE


@pytest.mark.parametrize(
    ("path", "sent"),
    [("/a b", b"/a%20b"), ("/caf\u00e9", b"/caf%C3%A9"), ("/a%2Fb", b"/a/b"), ("/a:b@c;d=e", b"/a:b@c;d=e")],
)
def test_the_path_is_also_there_as_it_is_sent(path, sent):
    assert http_scope(create_environ(path))["raw_path"] == sent


@pytest.mark.parametrize("base_url", ["http://localhost", "http://localhost/root"])
def test_a_path_that_a_test_wrote_without_its_slash_stays_below_the_root(base_url):
    environ = there_and_back(create_environ("cart", base_url))

    assert environ["SCRIPT_NAME"] == create_environ("cart", base_url)["SCRIPT_NAME"]
    assert environ["PATH_INFO"].lstrip("/") == "cart"


def test_a_request_without_an_address_has_no_client():
    assert http_scope(create_environ())["client"] is None
    assert http_scope({**create_environ(), "REMOTE_ADDR": "192.0.2.1"})["client"] == ("192.0.2.1", 50_000)


def test_what_a_scope_has_no_place_for_reaches_the_application_all_the_same():
    environ = {**create_environ(), "REMOTE_USER": "ada", "own.key": 7, "HTTP_X_NUMBER": 8}

    again = there_and_back(environ)

    assert (again["REMOTE_USER"], again["own.key"], again["HTTP_X_NUMBER"]) == ("ada", 7, 8)


def test_subprotocols_are_offered_in_the_scope_and_in_the_header():
    scope = websocket_scope(create_environ("/ws"), ("a", "b"))

    assert scope["subprotocols"] == ["a", "b"]
    assert (b"sec-websocket-protocol", b"a, b") in scope["headers"]
    assert scope["scheme"] == "ws"


def test_headers_that_come_twice_stay_two():
    assert read_headers([(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]).getlist("Set-Cookie") == [
        "a=1",
        "b=2",
    ]
