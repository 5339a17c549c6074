import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.urls import iri_to_uri

from costrel.core.header_rules import (
    Headers,
    adopt,
    clean_file_name,
    clean_headers,
    clean_location,
    is_plain_path,
    mend_location,
)

WAYS_TO_SET = [
    lambda headers, name, value: headers.add(name, value),
    lambda headers, name, value: headers.set(name, value),
    lambda headers, name, value: headers.__setitem__(name, value),
    lambda headers, name, value: headers.extend([(name, value)]),
    lambda headers, name, value: headers.update({name: value}),
    lambda headers, name, value: headers.setdefault(name, value),
    lambda headers, name, value: headers.setlist(name, [value]),
    lambda headers, name, value: headers.__setitem__(slice(0, 0), [(name, value)]),
    lambda headers, name, value: headers.__ior__({name: value}),
    lambda headers, name, value: Headers([(name, value)]),
    lambda headers, name, value: Headers({name: value}),
    lambda headers, name, value: adopt(WerkzeugHeaders(_unchecked(name, value))),
]


def _unchecked(name, value):
    headers = WerkzeugHeaders()
    headers._list.append((name, value))
    if "\r" in value or "\n" in value:
        raise ValueError("Werkzeug refuses this one itself")
    return headers


@pytest.mark.parametrize("set_header", WAYS_TO_SET)
@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\x00b", "a\r\n b"])
def test_value_that_would_end_the_header_is_refused_however_it_is_set(set_header, value):
    with pytest.raises(ValueError):
        set_header(Headers([("X-Old", "1")]), "X-New", value)


@pytest.mark.parametrize("set_header", WAYS_TO_SET)
@pytest.mark.parametrize("name", ["", "X A", "X:A", "X\r\nA", "X\x00", "é", "X\n"])
def test_name_that_is_no_token_is_refused_however_it_is_set(set_header, name):
    with pytest.raises(ValueError, match="token"):
        set_header(Headers([("X-Old", "1")]), name, "1")


def test_index_assignment_is_checked_too():
    headers = Headers([("X-Old", "1")])

    with pytest.raises(ValueError):
        headers[0] = ("X-Old", "a\x00")


def test_headers_compare_equal_to_werkzeugs():
    ours, theirs = Headers([("A", "1")]), WerkzeugHeaders([("a", "1")])

    assert ours == theirs
    assert theirs == ours
    assert ours != WerkzeugHeaders([("a", "2")])
    assert ours != [("A", "1")]


def test_headers_can_be_copied_and_pickled():
    headers = Headers([("A", "1")])

    assert type(headers.copy()) is Headers
    assert pickle.loads(pickle.dumps(headers)) == headers
    assert repr(headers) == "Headers([('A', '1')])"


def test_adopted_headers_stay_the_same_object():
    headers = WerkzeugHeaders([("A", "1")])

    assert adopt(headers) is headers
    with pytest.raises(ValueError):
        headers["A"] = "\x00"


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("/next", "/next"),
        ("https://other.example/x", "https://other.example/x"),
        ("//cdn.example/x", "//cdn.example/x"),
        ("///evil.example", "/evil.example"),
        ("////evil.example", "/evil.example"),
        ("/\\evil.example", "/evil.example"),
        ("\\\\evil.example", "/evil.example"),
        ("\\/evil.example", "/evil.example"),
        (" /\\evil.example", "/evil.example"),
        ("\t//\\evil.example", "/evil.example"),
        ("/a\r\nSet-Cookie: b=1", "/a%0D%0ASet-Cookie: b=1"),
        ("/a\x00", "/a%00"),
        ("/\t/evil.example", "/%09/evil.example"),
    ],
)
def test_location_is_made_safe_to_send(url, sent):
    assert clean_location(url) == sent
    assert Headers({"Location": url})["location"] == sent


def test_location_that_is_no_url_becomes_a_path():
    assert mend_location("//" + "a" * 64) == "/" + "a" * 64
    assert iri_to_uri(mend_location("http://[")) == "/http%3A//%5B"


@given(st.text(st.sampled_from("/?#&=%aé:;@\\ [.-"), max_size=12))
def test_plain_path_is_what_werkzeug_sends_unchanged(url):
    if is_plain_path(url):
        assert iri_to_uri(url) == url
        assert not url.startswith("//")


def test_file_names_lose_their_control_characters():
    assert clean_file_name("a\r\nb\x00.txt") == "ab.txt"

    headers = Headers()
    headers.set("Content-Disposition", "attachment", filename="a\r\nSet-Cookie: x.txt")
    assert headers["Content-Disposition"] == 'attachment; filename="aSet-Cookie: x.txt"'


def test_last_gate_cleans_what_went_round_the_others():
    assert clean_headers([("A", "1\r\n2\x00"), ("B\r\n", "1"), ("C", "3")]) == [("A", "1  2 "), ("C", "3")]
