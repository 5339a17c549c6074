"""What a view may return becomes a response, and what it may not is refused with the view's place."""

from __future__ import annotations

import json

import pytest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import ImATeapot, NotFound
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response as WerkzeugResponse

from costrel import Response
from costrel.core.replies import make_response, split_reply


def to_json(value):
    return Response(json.dumps(value), mimetype="application/json")


def reply(rv):
    return make_response(
        rv,
        response_class=Response,
        to_json=to_json,
        environ=EnvironBuilder().get_environ(),
        view=lambda: ("'index'", "index (shop.py:7)"),
    )


class Json(Response):
    default_mimetype = "application/json"


class Counted(Response):
    made = 0

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        type(self).made += 1


@pytest.mark.parametrize("response_class", [Json, Counted])
def test_error_page_is_html_whatever_the_class_makes_of_a_views_value(response_class):
    response = make_response(
        NotFound(),
        response_class=response_class,
        to_json=to_json,
        environ=EnvironBuilder().get_environ(),
        view=lambda: ("'index'", ""),
    )

    assert type(response) is response_class
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert Counted.made == 0


def wsgi_callable(environ, start_response):
    start_response("202 Accepted", [("X-Own", "1")])
    return [b"wsgi"]


@pytest.mark.parametrize(
    ("rv", "body", "status", "mimetype"),
    [
        ("text", "text", 200, "text/html"),
        (b"bytes", "bytes", 200, "text/html"),
        (bytearray(b"array"), "array", 200, "text/html"),
        ((part for part in ("a", "b")), "ab", 200, "text/html"),
        (iter([b"c"]), "c", 200, "text/html"),
        ({"a": 1}, '{"a": 1}', 200, "application/json"),
        ([1], "[1]", 200, "application/json"),
        (("made", 201), "made", 201, "text/html"),
        (("odd", "299 Odd"), "odd", 299, "text/html"),
        (({"a": 1}, 201), '{"a": 1}', 201, "application/json"),
        (Response("own", 203), "own", 203, "text/html"),
        (WerkzeugResponse("foreign", 206), "foreign", 206, "text/plain"),
        (wsgi_callable, "wsgi", 202, "text/plain"),
        (ImATeapot(), "teapot", 418, "text/html"),
        (NotFound("own words"), "own words", 404, "text/html"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind_of_value_becomes_a_response(rv, body, status, mimetype):
    response = reply(rv)

    assert type(response) is Response
    assert body in response.get_data(as_text=True)
    assert (response.status_code, response.mimetype) == (status, mimetype)


HEADERS = [{"X-A": "1"}, [("X-A", "1")], (("X-A", "1"),), Headers({"X-A": "1"})]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: type(headers).__name__)
@pytest.mark.parametrize("body", ["text", {"a": 1}, Response("own")], ids=lambda body: type(body).__name__)
def test_headers_may_stand_second_or_third(body, headers):
    assert reply((body, headers)).headers["X-A"] == "1"
    assert reply((body, 201, headers)).headers["X-A"] == "1"
    assert reply((body, 201, headers)).status_code == 201


def test_headers_replace_those_of_a_response():
    assert reply((Response("a", headers={"X-A": "old"}), {"X-A": "new"})).headers.getlist("X-A") == ["new"]


@pytest.mark.parametrize("rv", [("a",), ("a", 1, {}, "b"), ()], ids=str)
def test_tuple_of_another_form_is_refused_with_the_forms_there_are(rv):
    with pytest.raises(TypeError) as caught:
        reply(rv)

    assert "The tuple must have the form (body, status, headers), (body, status), or (body, headers)" in str(
        caught.value
    )
    assert str(caught.value).endswith("\n  the view: index (shop.py:7)")


@pytest.mark.parametrize("rv", [None, (None, 204)], ids=str)
def test_view_without_a_return_is_named_with_its_place(rv):
    with pytest.raises(TypeError) as caught:
        reply(rv)

    assert str(caught.value) == (
        "The view function for 'index' did not return a valid response. The function either returned"
        " None or ended without a return statement.\n  the view: index (shop.py:7)"
    )


@pytest.mark.parametrize("rv", [7, 7.5, object(), {1, 2}, True], ids=lambda rv: type(rv).__name__)
def test_value_of_no_kind_that_is_taken_is_refused_by_the_name_of_its_type(rv):
    with pytest.raises(TypeError) as caught:
        reply(rv)

    assert str(caught.value).startswith("The view function for 'index' did not return a valid response.")
    assert f"but it was a {type(rv).__name__}.\n  the view: index (shop.py:7)" in str(caught.value)


def test_callable_that_is_no_wsgi_application_is_refused():
    with pytest.raises(TypeError, match="but it was a function"):
        reply(lambda: None)


@pytest.mark.parametrize(
    ("rv", "parts"),
    [
        ("a", ("a", None, None)),
        (("a", 201), ("a", 201, None)),
        (("a", {"X": "1"}), ("a", None, {"X": "1"})),
        (("a", 201, {"X": "1"}), ("a", 201, {"X": "1"})),
    ],
    ids=str,
)
def test_reply_is_split_into_body_status_and_headers(rv, parts):
    assert split_reply(rv) == parts
