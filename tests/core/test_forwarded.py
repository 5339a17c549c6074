"""``Forwarded`` is read as RFC 7239 says, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.core.forwarded import read_elements


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("for=192.0.2.43", [{"for": "192.0.2.43"}]),
        ('For="[2001:db8::1]:4711"', [{"for": "[2001:db8::1]:4711"}]),
        ("for=1.1.1.1;proto=http;by=2.2.2.2", [{"for": "1.1.1.1", "proto": "http", "by": "2.2.2.2"}]),
        ("for=1.1.1.1, for=2.2.2.2", [{"for": "1.1.1.1"}, {"for": "2.2.2.2"}]),
        ("for=1.1.1.1 ;\tproto=https,for=_x", [{"for": "1.1.1.1", "proto": "https"}, {"for": "_x"}]),
        (r'host="a\"b,c;d=e"', [{"host": 'a"b,c;d=e'}]),
        ('for=""', [{"for": ""}]),
    ],
)  # fmt: skip
def test_elements_are_read(text, elements):
    assert read_elements(text) == elements


@pytest.mark.parametrize(
    "text",
    ["", ",", "for", "for=", "=1.1.1.1", "for=1.1.1.1,", "for=1.1.1.1;", ";for=1.1.1.1", "for =1.1.1.1",
     "for= 1.1.1.1", 'for="1.1.1.1', 'for=1.1.1.1"', "for=[::1]", "for=a:80", "for=1.1.1.1;for=2.2.2.2",
     'for="a\r\nb"', 'for="a\\\r"', "for=a b", 'for="a"b', "for=1.1.1.1,,for=2.2.2.2", "for=é"],
)  # fmt: skip
def test_malformed_text_says_nothing(text):
    assert read_elements(text) == []


def test_open_quote_of_a_client_hides_nothing_as_something_else():
    assert read_elements('for="6.6.6.6, for=192.0.2.1;proto=https') == []


@given(st.text(alphabet='for=1.;,"\\ \t[:]é\0', max_size=40))
def test_no_text_breaks_it(text):
    assert all(isinstance(element, dict) for element in read_elements(text))


@pytest.mark.parametrize("unit", ["for=1.1.1.1,", "a=b;", '"', '\\"', 'for="', " ", "\t,"])
def test_it_takes_linear_time(unit, assert_linear):
    assert_linear(lambda size: read_elements(unit * size), 5_000)
    assert_linear(lambda size: read_elements('for="' + unit * size), 5_000)
