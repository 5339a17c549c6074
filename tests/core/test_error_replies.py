"""The page of an HTTP error, made once where it is always the same."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestedRangeNotSatisfiable,
    TooManyRequests,
    Unauthorized,
    default_exceptions,
)
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from costrel.core.error_replies import error_parts, error_reply

USUAL = sorted(code for code, cls in default_exceptions.items() if error_reply(cls()) is not None)


@pytest.mark.parametrize("code", USUAL)
def test_kept_page_is_the_one_werkzeug_makes(code):
    error = default_exceptions[code]()

    assert error_reply(error) == error.get_response({}).get_data()


def test_usual_errors_have_a_kept_page():
    assert {400, 403, 404, 418, 500} <= set(USUAL)


class Own(NotFound):
    def get_body(self, environ=None, scope=None):
        return "own"


class NeedsMore(NotFound):
    def __init__(self, more):
        super().__init__()


@pytest.mark.parametrize(
    "error",
    [
        NotFound("own words"),
        NotFound(response=Response("own")),
        MethodNotAllowed(["GET"]),
        Unauthorized(),
        RequestedRangeNotSatisfiable(),
        Own(),
        NeedsMore(1),
        HTTPException("no code"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_with_something_of_its_own_is_left_to_werkzeug(error):
    assert error_reply(error) is None


def test_description_set_later_counts():
    error = NotFound()
    error.description = "own words"

    assert error_reply(error) is None


@pytest.mark.parametrize(
    "error",
    [
        NotFound("own <b>words</b>"),
        MethodNotAllowed(["GET", "POST"]),
        Unauthorized(www_authenticate=WWWAuthenticate("basic", {"realm": "shop"})),
        RequestedRangeNotSatisfiable(length=5),
        TooManyRequests(retry_after=3),
        Own(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_response_of_the_parts_is_the_one_werkzeug_makes(error):
    expected = error.get_response({})

    made = Response(*error_parts(error, {}))

    assert made.get_data() == expected.get_data()
    assert (made.status, made.headers) == (expected.status, expected.headers)


class Answers(NotFound):
    def get_response(self, environ=None, scope=None):
        return Response("own")


class IsCalled(NotFound):
    def __call__(self, environ, start_response):
        return Response("own")(environ, start_response)


@pytest.mark.parametrize(
    "error",
    [
        NotFound(response=Response("own")),
        HTTPException("no code"),
        RequestRedirect("/"),
        Answers(),
        IsCalled(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_that_answers_in_its_own_way_has_no_parts(error):
    assert error_parts(error, {}) is None
