"""The page of an HTTP error, made once where it is always the same."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestedRangeNotSatisfiable,
    Unauthorized,
    default_exceptions,
)
from werkzeug.wrappers import Response

from costrel.core.error_replies import error_reply

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
