"""What a visitor sends takes time in proportion to its size, never more."""

import io

import pytest

from costrel import make_response, redirect, request, send_file, session
from costrel.helpers import safe_next_url

SMALL = 20_000
"""Four times the size: 4 for linear, 16 for quadratic."""

HEADERS = {
    "Cookie": ["a=b; ", ";", "=", "a", '"', 'a="\\"; ', "session=; ", "session=a.b.c; "],
    "Accept": [",", "a/b,", "a/b;q=0.1,", ";", '"', " ", 'a/b;c="\\"'],
    "Accept-Language": ["en,", "en-", "-", "a;q="],
    "Authorization": ["Basic ", "Digest a=b,", 'Digest a="', "Bearer "],
    "Content-Type": ["multipart/form-data; boundary=", ";a=b", '; a="\\"', ";a*0=b", " ;", "; boundary"],
    "Host": ["a.", "a", "[", ":", "xn--", "1:", "-"],
    "If-Match": ['"a",', '"', "W/", ",", " "],
    "If-None-Match": ['"a",', '"', "W/", ", "],
    "If-Modified-Since": ["1 ", "Sun, ", ":", "("],
    "If-Range": ['"', "W/", "1 "],
    "Range": ["bytes=", "0-1,", "9", "-", " ", "=,"],
    "Cache-Control": ["a=b,", ",", 'a="', "max-age="],
    "Origin": ["http://", "/", "[", "@"],
    "X-Forwarded-For": ["1.1.1.1,", ",", " "],
}
CASES = [(name, unit) for name, units in HEADERS.items() for unit in units]


@pytest.fixture
def app(app):
    app.testing = False

    @app.route("/", methods=["GET", "POST"])
    def read_everything():
        session.get("user")
        for name in (
            *("args", "cookies", "authorization", "mimetype_params", "if_match", "if_none_match", "if_range"),
            *("range", "cache_control", "if_modified_since", "access_route", "accept_languages", "is_json"),
        ):
            getattr(request, name)
        request.accept_mimetypes.best_match(["text/html", "application/json"])
        request.accept_languages.best_match(["en", "de"])
        response = make_response("x" * 10)
        response.set_etag("tag")
        return response.make_conditional(request, accept_ranges=True, complete_length=10)

    @app.post("/leave")
    def leave():
        target = request.form["to"]
        return redirect(safe_next_url(target) if "next" in request.args else target)

    @app.post("/download")
    def download():
        return send_file(io.BytesIO(b"x"), "text/plain", download_name=request.form["to"])

    @app.post("/form")
    def form():
        return str(len(request.form))

    app.get("/<int:n>/<path:a>/x", endpoint="before")(lambda n, a: "")
    app.get("/<int:n>/<path:a>/x/<path:b>/y", endpoint="between")(lambda n, a, b: "")
    app.get("/<int:n>/<path:a>/x/<path:b>/y/<path:c>/z/", endpoint="thrice")(lambda n, a, b, c: "")

    return app


@pytest.fixture
def linear(assert_linear):
    """Hold a request, sent with something of a size, to time in proportion to it, and to no 5xx."""

    def hold(send):
        def work(size):
            assert send(size).status_code < 500

        assert_linear(work, SMALL)

    return hold


def repeated(unit, size):
    return (unit * (size // len(unit) + 1))[:size]


@pytest.mark.parametrize(("name", "unit"), CASES)
def test_header_is_read_in_linear_time(app, client, linear, name, unit):
    visitor = client(app)

    linear(lambda size: visitor.get("/", headers={name: repeated(unit, size)}))


@pytest.mark.parametrize("unit", ["a=b&", "&", "=", "%", "%ff", "+", "a", "%26", ";"])
def test_query_string_and_urlencoded_form_are_read_in_linear_time(app, client, linear, unit):
    app.config["MAX_FORM_PARTS"] = None
    visitor = client(app)

    linear(lambda size: visitor.get("/", environ_overrides={"QUERY_STRING": repeated(unit, size)}))
    linear(
        lambda size: visitor.post(
            "/form", data=repeated(unit, size), content_type="application/x-www-form-urlencoded"
        )
    )


@pytest.mark.parametrize("unit", ["/", "a/", "9", "x/", "/x/y", "%2f", ".", "../", "\\"])
def test_path_is_matched_in_linear_time(app, client, linear, unit):
    visitor = client(app)

    linear(lambda size: visitor.get("/1/" + repeated(unit, size // 20)))


@pytest.mark.parametrize("unit", ["[", '{"a":', "1", '"', "\\", "[1,", '"\\u', "-", "1e", " "])
def test_json_is_read_in_linear_time(app, client, linear, unit):
    @app.post("/json")
    def read():
        return {"read": request.get_json() is not None}

    visitor = client(app)

    linear(lambda size: visitor.post("/json", data=repeated(unit, size), content_type="application/json"))


@pytest.mark.parametrize("unit", ["/", "\\", "%", "é", "?", "\r", " ", "a/", "[", "@", ":", "a.", '"'])
@pytest.mark.parametrize("path", ["/leave", "/leave?next=1", "/download"])
def test_answer_made_of_what_a_visitor_sent_takes_linear_time(app, client, linear, path, unit):
    visitor = client(app)

    linear(lambda size: visitor.post(path, data={"to": "/" + repeated(unit, size)}))
