"""Other sites cannot make a visitor's browser act here."""

import pytest

from costrel import Blueprint, request
from costrel.core.origins import is_cross_origin

SAME, OTHER = "http://localhost", "https://evil.example"


@pytest.fixture
def app(app):
    done = app.done = []

    @app.before_request
    def note():
        done.append("hook")

    @app.route("/act", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def act():
        done.append("view")
        return "done"

    return app


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": OTHER},
        {"Origin": SAME},
    ],
)
def test_own_pages_and_programs_may_act(app, client, headers):
    assert client(app).post("/act", headers=headers).text == "done"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": SAME},
        {"Sec-Fetch-Site": "nonsense"},
        {"Origin": OTHER},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "http://["},
    ],
)
def test_other_sites_are_refused_before_anything_of_the_application_runs(app, client, method, headers):
    assert client(app).open("/act", method=method, headers=headers).status_code == 403
    assert app.done == []


def test_pages_may_be_read_from_anywhere(app, client):
    assert client(app).get("/act", headers={"Sec-Fetch-Site": "cross-site"}).text == "done"


def test_origin_without_a_host_is_not_that_of_a_request_without_one():
    assert is_cross_origin({"REQUEST_METHOD": "POST", "HTTP_ORIGIN": "null"})


@pytest.mark.parametrize(
    "trusted", [["https://app.example"], ("https://app.example",), "https://app.example"]
)
def test_trusted_origins_may_act_and_parts_of_their_names_may_not(app, client, trusted):
    app.config["TRUSTED_ORIGINS"] = trusted

    def status(origin):
        return (
            client(app).post("/act", headers={"Sec-Fetch-Site": "cross-site", "Origin": origin}).status_code
        )

    assert status("https://app.example") == 200
    assert [status(origin) for origin in ("https://app", "https://app.example.evil", "s", OTHER)] == [403] * 4
    assert client(app).post("/act", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_check_can_be_left_to_the_application(app, client):
    app.config["CROSS_ORIGIN_CHECK"] = False

    assert client(app).post("/act", headers={"Sec-Fetch-Site": "cross-site"}).text == "done"


def test_refusal_can_be_answered_by_an_error_handler(app, client):
    pages = Blueprint("pages", __name__, url_prefix="/pages")
    pages.post("/act", endpoint="act")(lambda: "done")
    pages.errorhandler(403)(lambda error: (f"refused at {request.path}", 403))
    app.register_blueprint(pages)

    response = client(app).post("/pages/act", headers={"Sec-Fetch-Site": "cross-site"})

    assert (response.status_code, response.text) == (403, "refused at /pages/act")
