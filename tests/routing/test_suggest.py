"""What is suggested instead of what is not there."""

from __future__ import annotations

import pytest

from costrel.routing import Map, Rule
from costrel.routing.suggest import endpoints_taking, explain_build_error, near_misses, nearest

URLS = Map(
    [
        Rule("/", endpoint="index", methods=["GET"]),
        Rule("/folder/", endpoint="folder", methods=["GET", "OPTIONS"]),
        Rule("/save", endpoint="save", methods=["POST", "OPTIONS"]),
        Rule("/users/<int:id>", endpoint="users.detail", methods=["GET"]),
        Rule("/users/<int:id>/posts", endpoint="users.posts", methods=["GET"]),
        Rule("/tags/<name>", endpoint="tag", methods=["GET"], defaults={"page": 1}),
    ]
)


def texts(path, method="GET"):
    return [miss.text for miss in near_misses(URLS, path, method)]


def test_nearest_name_comes_first():
    assert nearest("indx", ["save", "index"]) == ["index"]


def test_name_in_a_blueprint_is_found_without_the_blueprint():
    assert nearest("detail", ["index", "users.detail"]) == ["users.detail"]


def test_endpoints_are_found_by_their_values():
    assert endpoints_taking(URLS, {"id": 1}) == ["users.detail", "users.posts"]
    assert endpoints_taking(URLS, {"name": "x", "none": None}) == ["tag"]
    assert endpoints_taking(URLS, {}) == []


@pytest.mark.parametrize(
    ("endpoint", "values", "method", "text"),
    [
        ("indx", {}, None, "Did you mean 'index'?"),
        ("zzz", {"id": 1}, None, "These take id: users.detail, users.posts."),
        ("zzz", {}, None, ""),
        ("users.detail", {}, None, "Endpoint 'users.detail' is '/users/<int:id>': give it id."),
        (
            "users.detail",
            {"user_id": 1},
            None,
            "Endpoint 'users.detail' is '/users/<int:id>': give it id (you gave user_id).",
        ),
        ("save", {}, "GET", "Endpoint 'save' has no rule for GET, only for OPTIONS, POST."),
        ("index", {}, None, ""),
    ],
)
def test_build_error_is_explained(endpoint, values, method, text):
    assert explain_build_error(URLS, endpoint, values, method) == text


def test_path_with_another_method_is_named_first():
    assert texts("/save")[0] == "POST exists here"


@pytest.mark.parametrize("path", ["/folder", "/FOLDER/", "/Folder", "/folder/)"])
def test_path_that_differs_by_slash_case_or_punctuation_exists(path):
    assert "/folder/ exists" in texts(path)


def test_rule_spelled_alike_is_named():
    assert texts("/user/7") == ["'/users/<int:id>' is spelled like it"]


def test_path_like_nothing_has_no_near_miss():
    assert texts("/completely/different") == []


def test_near_miss_is_named_once_and_lists_are_short():
    misses = near_misses(URLS, "/FOLDER", "GET", count=2)

    assert len({miss.rule for miss in misses}) == len(misses) <= 2


def test_near_misses_are_found_where_hosts_matter_too():
    urls = Map([Rule("/x", endpoint="x", host="localhost")], host_matching=True)

    assert [miss.text for miss in near_misses(urls, "/X")] == ["/x exists"]
