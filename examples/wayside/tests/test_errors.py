"""Error pages keep the house style and their HTTP meaning."""

from __future__ import annotations

import pytest
from wayside import create_app
from wayside.testing import WALK, Person


def test_unknown_page_is_a_friendly_404(visitor):
    response = visitor.get("/nope")

    assert response.status_code == 404
    assert "Nothing on this path" in response.text
    assert "Back to the walks" in response.text


def test_forbidden_page_is_a_403_with_the_reason(fern):
    response = fern.get("/desk")

    assert response.status_code == 403
    assert "Only a keeper may open the desk." in response.text


def test_wrong_method_is_a_405_that_names_the_right_ones(visitor):
    response = visitor.get("/logout")

    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


def test_body_over_the_limit_is_a_413(app, fern):
    app.config["MAX_CONTENT_LENGTH"] = 1_000

    response = fern.post("/walks/new", {**WALK, "body": "x" * 2_000})

    assert response.status_code == 413
    assert "Too much for one rucksack" in response.text


def test_fault_of_ours_is_a_500_that_tells_nothing(settings):
    app = create_app({**settings, "TESTING": False})

    @app.get("/broken")
    def broken():
        raise RuntimeError("secret detail")

    with app.test_app():
        response = Person(app).get("/broken")

    assert response.status_code == 500
    assert "A bridge is out" in response.text
    assert "secret detail" not in response.text


def test_error_page_needs_no_database(serve, tmp_path):
    app = serve(TESTING=False, DATABASE=str(tmp_path))

    response = Person(app).get("/")

    assert response.status_code == 500
    assert "A bridge is out" in response.text


@pytest.mark.parametrize("path", ["/walks/1", "/api/walks/1"])
def test_head_of_a_missing_page_is_404_too(visitor, path):
    assert visitor.client.head(path).status_code == 404
