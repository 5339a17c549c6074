"""What is safe without a setting, and what an application under the alias has of Flask instead."""

import re
from pathlib import Path

import pytest

from costrel import Costrel, _mode, abort, request, session

ROOT = Path(__file__).parents[2]
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@pytest.fixture
def flask_app():
    """An application as it is made under the alias."""
    before = _mode.flask_defaults()
    _mode.use_flask_defaults()
    app = Costrel(__name__)
    _mode.use_flask_defaults(before)
    app.secret_key = "a key for tests"
    return app


def with_views(app):
    app.testing = False

    @app.route("/", methods=["GET", "POST"])
    def index():
        session["seen"] = True
        return "hello"

    @app.get("/own")
    def own():
        return "hello", {"x-frame-options": "DENY"}

    @app.get("/forbidden")
    def forbidden():
        abort(403)

    @app.get("/boom")
    def boom():
        raise ValueError

    @app.get("/folder/")
    def folder():
        return (piece for piece in "stream")

    return app


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("OPTIONS", "/", 200),
        ("GET", "/folder/", 200),
        ("GET", "/folder", 308),
        ("GET", "/forbidden", 403),
        ("GET", "/none", 404),
        ("PUT", "/", 405),
        ("GET", "/boom", 500),
    ],
)
def test_every_answer_has_the_headers_that_browsers_need(app, client, method, path, status):
    response = client(with_views(app)).open(path, method=method)

    assert response.status_code == status
    assert {name: response.headers[name] for name in HEADERS} == HEADERS


def test_answer_to_a_malformed_host_has_them_too(app, client):
    response = client(with_views(app)).get("/", headers={"Host": "a b"})

    assert response.status_code == 400
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_header_that_the_application_set_stays(app, client):
    response = client(with_views(app)).get("/own")

    assert response.headers.getlist("X-Frame-Options") == ["DENY"]


def test_headers_can_be_others_or_none(app, client):
    app.config["SECURITY_HEADERS"] = {"Content-Security-Policy": "default-src 'self'"}
    response = client(with_views(app)).get("/")
    assert response.headers["Content-Security-Policy"] == "default-src 'self'"
    assert "X-Frame-Options" not in response.headers

    app.config["SECURITY_HEADERS"] = False
    assert "X-Content-Type-Options" not in client(app).get("/").headers


def test_session_cookie_is_lax_hidden_from_scripts_and_not_cached(app, client):
    response = client(with_views(app)).get("/")

    assert set(response.headers["Set-Cookie"].split("; ")[1:]) == {"HttpOnly", "Path=/", "SameSite=Lax"}
    assert response.headers["Cache-Control"] == "private"
    assert response.headers["Vary"] == "Cookie"


def test_session_cookie_is_secure_where_the_request_is(app, client):
    response = client(with_views(app)).get("/", base_url="https://localhost")

    assert "Secure" in response.headers["Set-Cookie"].split("; ")


def test_body_over_16_mebibytes_is_413(app, client):
    @app.post("/read")
    def read():
        return str(len(request.get_data()))

    limit = 16 * 1024 * 1024
    assert client(app).post("/read", data=b"x" * limit).text == str(limit)
    assert client(app).post("/read", data=b"x" * (limit + 1)).status_code == 413


def test_under_the_alias_answers_are_flasks(flask_app, client):
    app = with_views(flask_app)
    response = client(app).get("/")

    assert sorted(response.headers.keys()) == ["Content-Length", "Content-Type", "Set-Cookie", "Vary"]
    assert set(response.headers["Set-Cookie"].split("; ")[1:]) == {"HttpOnly", "Path=/"}
    assert client(app).post("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
    assert client(app).get("/folder").headers["Location"] == "http://localhost/folder/"


def test_under_the_alias_what_no_application_sees_is_safe_all_the_same(flask_app, client):
    app = with_views(flask_app)

    assert client(app).get("/", headers={"Host": "a:1:2"}).status_code == 400
    assert "a key for tests" not in repr(app.config)
    app.config["SECRET_KEY_FALLBACKS"] = "old"
    assert client(app).get("/").status_code == 500


def test_no_module_unpickles_or_evaluates_what_comes_from_outside():
    suspicious = re.compile(
        r"^\s*(?:import|from)\s+(?:pickle|marshal|shelve)\b|(?<![.\w])eval\(|yaml\.load\(", re.MULTILINE
    )
    found = [path for path in (ROOT / "src").rglob("*.py") if suspicious.search(path.read_text("utf-8"))]

    assert [path.name for path in found] == []


def test_libraries_with_known_flaws_cannot_be_installed():
    text = (ROOT / "pyproject.toml").read_text("utf-8")

    # Sandbox escapes up to Jinja 3.1.5; Windows device names up to Werkzeug 3.1.8.
    assert '"jinja2>=3.1.6"' in text
    assert '"werkzeug>=3.1.9"' in text
