"""URLs of plain endpoints are built here; what is not plain is left to Werkzeug."""

from __future__ import annotations

import pytest

from costrel.routing import Map, Rule

URLS = Map(
    [
        Rule("/", endpoint="index"),
        Rule("/a b/<name>", endpoint="name", methods=["GET"]),
        Rule("/u/<int:id>/posts/<slug>", endpoint="post"),
        Rule("/<path:page>", endpoint="page"),
        Rule("/two", endpoint="two"),
        Rule("/zwei", endpoint="two"),
        Rule("/api", endpoint="api", subdomain="api"),
        Rule("/ws", endpoint="ws", websocket=True),
        Rule("/first", endpoint="first", defaults={"page": 1}),
        Rule("/pick/<any(a, b):x>", endpoint="pick"),
    ]
)


@pytest.mark.parametrize(
    ("endpoint", "values", "url"),
    [
        ("index", {}, "/"),
        ("index", {"page": 2, "none": None}, "/?page=2"),
        ("index", {"none": None}, "/"),
        ("index", {"q": "a b&c", "é": "ü", "tag": ["x", "y"]}, "/?q=a+b%26c&%C3%A9=%C3%BC&tag=x&tag=y"),
        ("name", {"name": "é/x y"}, "/a%20b/%C3%A9/x%20y"),
        ("post", {"id": 7, "slug": "hello-world", "all": True}, "/u/7/posts/hello-world?all=True"),
        ("post", {"id": "7", "slug": "x"}, "/u/7/posts/x"),
        ("page", {"page": "//a/b"}, "/a/b"),
        ("pick", {"x": "a"}, "/pick/a"),
    ],
)
def test_plain_endpoint_is_built(endpoint, values, url):
    assert URLS.urls.build(endpoint, values) == url


@pytest.mark.parametrize(
    ("endpoint", "values"),
    [
        ("nowhere", {}),
        ("name", {}),
        ("name", {"name": None}),
        ("post", {"id": "x", "slug": "x"}),
        ("pick", {"x": "c"}),
        ("two", {}),
        ("api", {}),
        ("ws", {}),
        ("first", {}),
    ],
)
def test_all_else_is_left_to_werkzeug(endpoint, values):
    assert URLS.urls.build(endpoint, values) is None


def test_method_without_a_rule_is_left_to_werkzeug():
    assert URLS.urls.build("name", {"name": "x"}, "GET") == "/a%20b/x"
    assert URLS.urls.build("name", {"name": "x"}, "POST") is None


def test_values_are_left_as_they_were():
    values = {"id": 1, "slug": "x", "more": None}

    URLS.urls.build("post", values)

    assert values == {"id": 1, "slug": "x", "more": None}


def test_second_rule_of_an_endpoint_is_noticed():
    urls = Map([Rule("/x", endpoint="x")])
    assert urls.urls.build("x", {}) == "/x"

    urls.add(Rule("/y", endpoint="x"))

    assert urls.urls.build("x", {}) is None


def test_sorting_turned_on_later_is_noticed():
    urls = Map([Rule("/x", endpoint="x")])
    assert urls.urls.build("x", {"b": 1, "a": 2}) == "/x?b=1&a=2"

    urls.sort_parameters = True

    assert urls.urls.build("x", {"b": 1, "a": 2}) == "/x?a=2&b=1"


def test_rule_with_its_own_way_of_building_is_left_to_werkzeug():
    class Own(Rule):
        def build(self, values, append_unknown=True):
            return "", "/own"

    assert Map([Own("/x", endpoint="x")]).urls.build("x", {}) is None
