"""Only pages of the host itself and of listed origins may open a WebSocket."""

from __future__ import annotations

import pytest

from costrel.core.ws_origin import may_connect


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://shop.example", "shop.example"),
        ("https://shop.example", "shop.example:443"),
        ("https://shop.example:443", "shop.example"),
        ("http://shop.example:80", "SHOP.example"),
        ("http://[::1]:8000", "[::1]:8000"),
        (None, "shop.example"),
    ],
)
def test_the_host_itself_may_connect(origin, host):
    environ = {"HTTP_HOST": host} | ({"HTTP_ORIGIN": origin} if origin else {})

    assert may_connect(environ)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://shop.example.evil.example",
        "https://shop.example:8443",
        "http://shop.example:443",
        "https://evil@shop.example",
        "null",
        "",
        "https://",
        "file://",
        "shop.example",
        "https://[",
    ],
)
def test_everything_else_may_not(origin):
    assert not may_connect({"HTTP_HOST": "shop.example", "HTTP_ORIGIN": origin})
    assert not may_connect({"HTTP_ORIGIN": origin})


def test_a_listed_origin_is_compared_whole():
    environ = {"HTTP_HOST": "shop.example", "HTTP_ORIGIN": "https://app.example"}

    assert may_connect(environ, ["https://APP.example/"])
    assert may_connect(environ, "https://app.example")
    assert may_connect(environ, "*")
    assert not may_connect(environ, "https://app.example.org")
    assert not may_connect(environ, ["https://app"])
    assert not may_connect(environ, ["app.example"])
