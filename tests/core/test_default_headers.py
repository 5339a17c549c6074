"""Headers that every response gets, where the application set none of that name."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Response as WerkzeugResponse

from costrel import Response
from costrel.core.default_headers import SECURITY_HEADERS, add_missing, as_headers


@pytest.mark.parametrize(
    ("wanted", "headers"),
    [(True, SECURITY_HEADERS), (False, ()), (None, ()), ({}, ()), ({"X-A": "1"}, (("X-A", "1"),))],
    ids=str,
)
def test_setting_is_a_yes_a_no_or_a_mapping(wanted, headers):
    assert as_headers(wanted) == headers


@pytest.mark.parametrize("cls", [Response, WerkzeugResponse])
def test_what_the_application_set_stays(cls):
    response = cls("", headers={"x-frame-options": "DENY"})

    add_missing(response, SECURITY_HEADERS)

    assert response.headers.getlist("X-Frame-Options") == ["DENY"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_bare_wsgi_callable_is_left_alone():
    def application(environ, start_response): ...

    add_missing(application, SECURITY_HEADERS)
