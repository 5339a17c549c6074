"""A refused request gets a short page, or JSON, or what a handler makes of it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from werkzeug.exceptions import BadRequest, HTTPException

from costrel.ext.csrf import CSRFError
from costrel.ext.csrf.errors import token_error

MISSING = "The CSRF token is missing."


def test_browser_gets_a_page_with_the_reason_and_what_to_do(shop, client):
    response = client(shop).post("/buy", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert response.status_code == 400
    assert response.content_type == "text/html; charset=utf-8"
    assert f"<p>{MISSING}</p>" in response.text
    assert "load the page again" in response.text
    assert "csrf_field" not in response.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/json"},
        {"Accept": "application/json, text/plain, */*"},
        {"Content-Type": "application/json", "Accept": "*/*"},
        {"Content-Type": "application/json"},
    ],
)
def test_client_that_asks_for_json_gets_it(shop, client, headers):
    response = client(shop).post("/buy", data="{}", headers=headers)

    assert response.status_code == 400
    assert response.content_type == "application/json"
    assert response.json == {"code": 400, "name": "Bad Request", "description": MISSING}


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "nonsense", "image/png", ",;q=x"])
def test_all_others_get_the_page(shop, client, accept):
    assert client(shop).post("/buy", headers={"Accept": accept}).content_type.startswith("text/html")


def test_developer_is_told_in_debug_mode_what_to_write(shop, client):
    shop.debug = True

    assert "{{ csrf_field() }}" in client(shop).post("/buy").text
    answer = client(shop).post("/buy", headers={"Accept": "application/json"}).json
    assert "{{ csrf_field() }}" in answer["hint"]


@pytest.mark.parametrize("catches", [CSRFError, 400, BadRequest, HTTPException])
def test_handlers_answer_as_for_any_http_error(shop, client, catches):
    @shop.errorhandler(catches)
    def refused(error):
        return f"{type(error).__name__}: {error.reason}", 418

    response = client(shop).post("/buy")

    assert (response.status_code, response.text) == (418, f"CSRFError: {MISSING}")


def test_reason_is_escaped_on_the_page():
    page = CSRFError("<script>alert(1)</script>").get_body()

    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_error_without_a_reason_has_one():
    assert CSRFError().reason == "CSRF validation failed."


def test_refused_token_is_an_error_of_wtforms_where_that_is_used():
    wtforms = pytest.importorskip("wtforms")

    error = token_error(MISSING)

    assert isinstance(error, wtforms.ValidationError)
    assert error.args == (MISSING,)
    assert type(error) is type(token_error("another reason"))


def test_wtforms_is_not_loaded_for_it():
    code = (
        "import sys; from costrel.ext.csrf.errors import TokenError, token_error;"
        " assert type(token_error('x')) is TokenError; assert 'wtforms' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
