"""BASE_URL is taken apart, or refused with what to write instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.core.base_url import BaseURL, read_base_url
from costrel.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://shop.example", ("https", "shop.example", "/")),
        ("https://shop.example/", ("https", "shop.example", "/")),
        ("http://shop.example/app", ("http", "shop.example", "/app")),
        ("http://shop.example/app/two/", ("http", "shop.example", "/app/two")),
        ("https://shop.example:443", ("https", "shop.example", "/")),
        ("https://shop.example:8443", ("https", "shop.example:8443", "/")),
        ("http://[::1]:8000/x", ("http", "[::1]:8000", "/x")),
        ("https://bücher.example", ("https", "xn--bcher-kva.example", "/")),
        ("https://shop.example/%C3%A4", ("https", "shop.example", "/%C3%A4")),
        ("https://shop.example/ä", ("https", "shop.example", "/%C3%A4")),
    ],
)
def test_an_address_is_taken_apart(text, expected):
    assert read_base_url(text) == BaseURL(*expected)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "shop.example",
        "//shop.example",
        "/app",
        "ftp://shop.example",
        "javascript://shop.example",
        "https://",
        "https:///app",
        "https://shop.example?x=1",
        "https://shop.example/#top",
        "https://shop.example?",
        "https://shop example",
        "https://shop.example/a b",
        "https://shop.example/a\r\nb",
        "https://shop.example/../x",
        "https://shop.example\\x",
        "https://shop.example:99999",
        "https://shop.example:x",
        "https://[::1",
        "https://.",
        b"https://shop.example",
        8000,
    ],
)
def test_anything_else_is_refused_with_an_example(value):
    with pytest.raises(ConfigError, match="BASE_URL") as caught:
        read_base_url(value)

    assert repr(value) in caught.value.problem
    assert "https://shop.example/app" in caught.value.hint


def test_a_password_is_refused_and_not_shown():
    with pytest.raises(ConfigError) as caught:
        read_base_url("https://ada:hunter2@shop.example")

    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=40))
def test_whatever_is_written_is_read_or_refused(text):
    for candidate in (text, f"https://shop.example/{text}", f"https://{text}"):
        try:
            url = read_base_url(candidate)
        except ConfigError:
            continue
        assert url.root.startswith("/")
        assert url.root.isascii()
        assert url.host.isascii()
