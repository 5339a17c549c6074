"""Pages that the framework writes tell a visitor nothing, and run nothing that a visitor sent."""

import pytest
from jinja2 import DictLoader
from werkzeug.exceptions import HTTPException

from costrel import Response, abort, redirect, render_template, render_template_string, request

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def app(app):
    app.testing = False

    @app.get("/abort/<int:code>")
    def refuse(code):
        abort(code, request.args["why"])

    @app.get("/boom")
    def boom():
        password = "hunter2"
        raise RuntimeError(f"cannot log in with {password}")

    @app.get("/key")
    def key():
        return request.args["<script>"]

    @app.get("/leave")
    def leave():
        return redirect(request.args["to"])

    @app.get("/folder/<path:name>/")
    def folder(name):
        return name

    @app.get("/page/<name>")
    def page(name):
        return render_template(name, value=SCRIPT)

    return app


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 410, 413, 415, 418, 422, 429, 500, 503])
def test_text_in_an_error_is_escaped(app, client, code):
    response = client(app).get(f"/abort/{code}", query_string={"why": SCRIPT})

    assert response.status_code == code
    assert SCRIPT not in response.text
    assert "&lt;script&gt;" in response.text


@pytest.mark.parametrize(
    "path",
    [
        f"/{SCRIPT}",
        f"/folder/{SCRIPT}",
        "/key",
        f"/leave?to=/{SCRIPT}",
        f'/leave?to=/"><{SCRIPT}',
        f"/leave?to=http://[{SCRIPT}",
    ],
)
def test_what_a_visitor_sends_is_escaped_in_every_page_of_the_framework(app, client, path):
    assert SCRIPT not in client(app).get(path).text


def test_redirect_to_a_script_is_sent_as_it_is_and_never_as_markup(app, client):
    response = client(app).get("/leave", query_string={"to": 'javascript:"><script>'})

    assert "<script>" not in response.text
    assert '">' not in response.headers["Location"]


def test_error_of_the_server_tells_nothing(app, client):
    response = client(app).get("/boom")

    assert response.status_code == 500
    for secret in ("hunter2", "RuntimeError", "Traceback", __file__, "line"):
        assert secret not in response.text


def test_handler_of_errors_gets_the_error_and_the_page_still_tells_nothing(app, client):
    app.errorhandler(HTTPException)(lambda error: error)

    assert "hunter2" not in client(app).get("/boom").text


def test_debug_mode_draws_no_debugger_by_itself(app, client):
    app.config.update(DEBUG=True, PROPAGATE_EXCEPTIONS=False)
    visitor = client(app)

    text = visitor.get("/boom").text
    assert "hunter2" not in text
    assert "__debugger__" not in text
    assert visitor.get("/?__debugger__=yes&cmd=resource&f=debugger.js").status_code == 404
    assert visitor.get("/console").status_code == 404


@pytest.mark.parametrize(
    "name", ["a.html", "a.htm", "a.xml", "a.xhtml", "a.svg", "a.html.j2", "a.jinja", "a.jinja2", "a.HTML.J2"]
)
def test_values_are_escaped_in_markup(app, client, name):
    app.jinja_env.loader = DictLoader({name: "{{ value }}"})

    assert SCRIPT not in client(app).get(f"/page/{name}").text


def test_values_are_escaped_in_strings_attributes_and_json(app):
    with app.test_request_context():
        assert render_template_string("{{ v }}", v=SCRIPT) == "&lt;script&gt;alert(1)&lt;/script&gt;"
        assert '"' not in render_template_string("<a {{ {'title': v}|xmlattr }}>", v='" onclick="x')[11:-3]
        assert "</script>" not in render_template_string("{{ {'a': v}|tojson }}", v="</script>'<!--")
        assert "'" not in render_template_string("{{ v|tojson }}", v="it's")


def test_expression_of_a_visitor_is_text_in_a_page(app):
    with app.test_request_context():
        assert render_template_string("{{ v }}", v="{{ config }}") == "{{ config }}"


def test_configuration_in_a_page_shows_no_secrets(app):
    app.config["DATABASE_URL"] = "postgresql://ada:hunter2@db/shop"
    with app.test_request_context():
        page = render_template_string("{{ config }}")

    assert "a key for tests" not in page
    assert "hunter2" not in page


def test_view_answers_with_another_application_safely(app, client):
    @app.get("/inner")
    def inner():
        def application(environ, start_response):
            start_response("200 OK", [("X-A", "1\r\nX-B: 2"), ("X\r\nC", "1")])
            return [b"inner"]

        return application

    @app.get("/reason")
    def reason():
        return Response("", status="200 OK\r\nX-B: 2")

    assert client(app).get("/inner").headers.get("X-B") is None
    assert "X-B" not in client(app).get("/reason").headers
