"""A URL that leads to nothing is answered with what there is, in development."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import NotFound
from werkzeug.test import Client

from costrel import Costrel, abort
from costrel.cli.routes import describe_routes
from costrel.debug.missing import MissingPages


@pytest.fixture
def app():
    app = Costrel("shop", static_folder=None)

    @app.get("/items/")
    def items():
        return "items"

    @app.get("/items/<name>")
    def item(name):
        abort(404)

    return app


@pytest.fixture
def ask(app):
    def send(path, *, method="GET", accept="text/html", host="localhost"):
        layer = MissingPages(app, app.url_map, routes=lambda: describe_routes(app))
        return Client(layer).open(path, method=method, headers={"Accept": accept, "Host": host})

    return send


def test_a_browser_sees_all_routes_and_what_is_near(ask):
    response = ask("/item/")

    assert response.status_code == 404
    assert "<td>/items/&lt;name&gt;</td>" in response.text
    assert "/items/" in response.text.partition("<table>")[0]
    assert int(response.headers["Content-Length"]) == len(response.data)


def test_a_program_gets_a_few_lines(ask):
    response = ask("/item/", accept="*/*")

    assert response.mimetype == "text/plain"
    assert response.text.startswith("404 NOT FOUND: GET /item/\n")


def test_a_wrong_method_names_the_ones_there_are(ask):
    response = ask("/items/", method="POST", accept="*/*")

    assert response.status_code == 405
    assert "GET" in response.text.partition("\n")[2]
    assert "GET" in response.headers["Allow"]


def test_what_was_asked_for_is_escaped(ask):
    assert "<script>" not in ask("/<script>").text


@pytest.mark.parametrize(
    "request_", [{"accept": "application/json"}, {"host": "evil.example"}, {"method": "HEAD"}], ids=str
)
def test_others_get_what_they_get_in_production(app, ask, request_):
    method = request_.get("method", "GET")

    assert ask("/item/", **request_).data == app.test_client().open("/item/", method=method).data


def test_a_404_of_a_view_is_its_own(app, ask):
    assert ask("/items/cup").data == app.test_client().get("/items/cup").data


def test_a_404_of_an_error_handler_is_its_own(app, ask):
    app.register_error_handler(404, lambda error: ("our own page", 404))

    assert ask("/item/").text == "our own page"


def test_a_page_that_is_there_is_untouched(ask):
    assert ask("/items/").text == "items"


def test_the_applications_answer_is_closed(app):
    closed = []

    class Body(list):
        def close(self):
            closed.append(1)

    def missing(environ, start_response):
        start_response("404 NOT FOUND", [("Content-Length", str(len(NotFound().get_body())))])
        return Body([b"nothing"])

    layer = MissingPages(missing, app.url_map, routes=list)

    with Client(layer).get("/") as response:
        assert response.data == b"nothing"
    assert closed == [1]


@pytest.mark.parametrize("status", ["404 NOT FOUND", "200 OK"])
def test_an_application_may_start_late_or_write(app, status):
    def late(environ, start_response):
        start_response(status, [("Content-Length", str(len(NotFound().get_body())))])
        yield b"late"

    def writes(environ, start_response):
        start_response(status, [("Content-Length", str(len(NotFound().get_body())))])(b"written")
        return []

    for application, text in ((late, "late"), (writes, "written")):
        response = Client(MissingPages(application, app.url_map, routes=list)).get("/")
        assert (response.status, response.text) == (status, text)
