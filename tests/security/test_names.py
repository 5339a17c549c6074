"""Names that visitors choose stay names: in headers, on disk and in log lines."""

import io
import logging
import ntpath
import os

import pytest
import werkzeug.utils
from werkzeug.http import parse_options_header
from werkzeug.utils import secure_filename

from costrel import request, send_file
from costrel.logging import default_handler

BATCH = ['a";filename="x.bat', "a;x.bat", "a%22;x.bat", "a\\", 'a\\"; x="', "a'b.txt", "x.bat\u202etxt.exe"]


@pytest.mark.parametrize("name", [*BATCH, "a\r\nX-B: 1.txt", "a\x00.txt", "\ud800.txt", "é.txt", "", "\x7f"])
def test_name_of_a_download_is_one_parameter_of_its_header(app, client, name):
    app.testing = False

    @app.get("/")
    def download():
        return send_file(io.BytesIO(b"x"), "text/plain", as_attachment=True, download_name=name)

    response = client(app).get("/")

    kind, parameters = parse_options_header(response.headers["Content-Disposition"])
    assert response.status_code == 200
    assert kind == "attachment"
    assert set(parameters) <= {"filename"}
    assert "X-B" not in response.headers
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture
def upload(app, client):
    """Upload a file under a name, and return the name as a view gets it."""

    @app.post("/")
    def take():
        return {"name": request.files["f"].filename, "safe": secure_filename(request.files["f"].filename)}

    def send(name):
        head = f'--b\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'.encode()
        body = head + b"x\r\n--b--\r\n"
        return client(app).post("/", data=body, content_type="multipart/form-data; boundary=b").json

    return send


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "a\x00.png",
        ".htaccess",
        "..",
        "C:\\\\x.txt",
        "a/b\\\\c.txt",
        "a b.txt",
        "\u202e.exe",
    ],
)
def test_uploaded_name_made_safe_stays_in_its_folder(upload, name):
    safe = upload(name)["safe"]

    assert not set(safe) & set("/\\:\x00 ")
    assert not safe.startswith(".")


@pytest.mark.parametrize("name", ["CON", "nul.txt", "COM1", "AUX.png", "LPT9.jpg"])
def test_uploaded_device_name_is_no_device_where_windows_is(monkeypatch, name):
    class Windows:
        name = "nt"
        path = ntpath
        sep, altsep = "\\", "/"

        def __getattr__(self, attribute):
            return getattr(os, attribute)

    monkeypatch.setattr(werkzeug.utils, "os", Windows())

    assert secure_filename(name).startswith("_")


def test_two_files_of_one_name_are_both_seen(app, client):
    @app.post("/")
    def take():
        return [file.filename for file in request.files.getlist("f")]

    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="%s"\r\n\r\nx\r\n'
    body = part % b"good.png" + part % b"evil.exe" + b"--b--\r\n"
    response = client(app).post("/", data=body, content_type="multipart/form-data; boundary=b")

    assert response.json == ["good.png", "evil.exe"]


@pytest.fixture
def log(app, monkeypatch):
    """What the application's own handler writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(default_handler.formatter)
    app.testing = False
    app.logger.addHandler(handler)
    app.logger.propagate = False
    yield stream.getvalue
    app.logger.removeHandler(handler)
    app.logger.propagate = True


def test_path_cannot_forge_a_log_line_nor_drive_the_terminal(app, client, log):
    @app.before_request
    def fail():
        raise ValueError("bad path: " + request.path)

    client(app).get("/x%0d%0a[2030-01-01] INFO in admin: all is well%1b[2J%c2%9b%e2%80%a8y")

    assert "\\r\\n[2030-01-01]" in log()
    assert not any(line.startswith("[2030-01-01]") for line in log().splitlines())
    assert not set(log()) & set("\r\x1b\x9b\u2028")


def test_errors_in_the_log_show_no_passwords(app, client, log):
    @app.get("/")
    def fail():
        raise ConnectionError("postgresql://ada:hunter2@db/shop refused, api_token=hunter2")

    client(app).get("/")
    app.logger.error("settings: %r, SECRET_KEY=%s", app.config, app.secret_key)

    assert "postgresql://ada:***@db/shop refused, api_token=***" in log()
    assert "a key for tests" not in log()
