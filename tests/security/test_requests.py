"""Bad input gets a 4xx, through a whole application: never a 500, never a shortened body."""

import io

import pytest

from costrel import make_response, redirect, request


@pytest.fixture
def app(app):
    app.testing = False

    @app.post("/data")
    def data():
        return str(len(request.get_data()))

    @app.post("/stream")
    def stream():
        return str(sum(map(len, request.stream)))

    @app.post("/form")
    def form():
        return str(len(request.form))

    @app.post("/json")
    def json():
        return {"read": request.get_json() is not None}

    @app.get("/redirect")
    def leave():
        return redirect(request.args["to"])

    @app.get("/cookie")
    def cookie():
        response = make_response("")
        response.set_cookie("name", request.args["value"])
        return response

    @app.get("/args")
    def args():
        return dict(request.args)

    return app


FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
FIELD = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
READERS = [
    ("/data", FORM),
    ("/stream", FORM),
    ("/form", FORM),
    ("/form", MULTIPART),
    ("/json", "application/json"),
]


@pytest.mark.parametrize(("path", "content_type"), READERS)
def test_chunked_body_over_the_limit_is_413(app, client, path, content_type):
    app.config["MAX_CONTENT_LENGTH"] = 10

    response = client(app).post(
        path,
        input_stream=io.BytesIO(b"x" * 11),
        content_type=content_type,
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )

    assert response.status_code == 413


@pytest.mark.parametrize(("path", "content_type"), READERS)
@pytest.mark.parametrize("terminated", [True, False])
def test_truncated_body_is_400(app, client, path, content_type, terminated):
    environ = {"wsgi.input": io.BytesIO(b"12345"), "CONTENT_LENGTH": "100"}
    if terminated:
        environ["wsgi.input_terminated"] = True

    response = client(app).post(path, content_type=content_type, environ_overrides=environ)

    assert response.status_code == 400


@pytest.mark.parametrize(("path", "content_type"), READERS)
def test_malformed_chunk_is_400(app, client, path, content_type):
    class Malformed(io.RawIOBase):
        def read(self, size=-1):
            raise OSError("Invalid chunk size: 'xyz'")

        readline = read

    environ = {"wsgi.input": Malformed(), "wsgi.input_terminated": True}
    response = client(app).post(path, content_type=content_type, environ_overrides=environ)

    assert response.status_code == 400


@pytest.mark.parametrize(
    ("content_type", "body", "key", "limit"),
    [
        (FORM, b"a=1&b=2", "MAX_FORM_PARTS", 1),
        (FORM, b"a=12345", "MAX_FORM_MEMORY_SIZE", 4),
        (FORM, b"a=123&b=123", "MAX_FORM_TOTAL_MEMORY_SIZE", 5),
        (MULTIPART, FIELD + FIELD + b"--b--\r\n", "MAX_FORM_PARTS", 1),
        (MULTIPART, FIELD + b"--b--\r\n", "MAX_FORM_MEMORY_SIZE", 0),
        (MULTIPART, FIELD + FIELD + b"--b--\r\n", "MAX_FORM_TOTAL_MEMORY_SIZE", 1),
    ],
)
def test_form_over_a_limit_is_413(app, client, content_type, body, key, limit):
    assert client(app).post("/form", data=body, content_type=content_type).status_code == 200

    app.config[key] = limit
    assert client(app).post("/form", data=body, content_type=content_type).status_code == 413


@pytest.mark.parametrize("body", [b"[" * 100_000 + b"]" * 100_000, b"{", b"NaN", b"\xff", b""])
def test_malformed_json_is_400(app, client, body):
    assert client(app).post("/json", data=body, content_type="application/json").status_code == 400


def test_body_that_is_not_json_is_415(app, client):
    assert client(app).post("/json", data=b"{}", content_type="text/plain").status_code == 415


@pytest.mark.parametrize("host", ["a:1:2", "a/b", "a b", "user@a", "a\\b", "xn--0ca1e"])
def test_malformed_host_is_400(app, client, host):
    assert client(app).get("/args", headers={"Host": host}).status_code == 400


def test_untrusted_host_is_400_whatever_its_case_and_port(app, client):
    app.config["TRUSTED_HOSTS"] = [".shop.example"]

    assert client(app).get("/args", headers={"Host": "WWW.Shop.example:8000"}).status_code == 200
    assert client(app).get("/args", headers={"Host": "evilshop.example"}).status_code == 400


@pytest.mark.parametrize(
    "to", ["/a\r\nSet-Cookie: b=1", "/a\x00", "http://[", "http://a:b", "http://" + "a" * 64]
)
def test_redirect_to_what_a_visitor_sends_is_no_error_and_no_injection(app, client, to):
    response = client(app).get("/redirect", query_string={"to": to})

    assert response.status_code == 302
    assert "Set-Cookie" not in response.headers
    assert not set(response.headers["Location"]) & set("\r\n\x00")


@pytest.mark.parametrize("to", ["/\\evil.example", "////evil.example", "\\\\evil.example"])
def test_slashes_and_backslashes_do_not_lead_away(app, client, to):
    location = client(app).get("/redirect", query_string={"to": to}).headers["Location"]

    assert location.startswith("/")
    assert location[1] not in "/\\"


@pytest.mark.parametrize("value", ["a\r\nb", "a\x00b", "a;b", "é"])
def test_cookie_value_of_a_visitor_is_escaped(app, client, value):
    response = client(app).get("/cookie", query_string={"value": value})

    assert response.status_code == 200
    assert response.headers["Set-Cookie"].count(";") == 1


def test_query_string_that_is_no_text_is_read_as_it_is(app, client):
    response = client(app).get("/args", environ_overrides={"QUERY_STRING": "a=\xff"})

    assert response.json == {"a": "%FF"}
