"""On every server: the example application works."""

import re

import pytest

pytestmark = pytest.mark.servers


def test_pages_files_and_api_are_served(wayside):
    status, headers, page = wayside.get("/")
    assert (status, headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == (
        200,
        "nosniff",
        "SAMEORIGIN",
    )

    style = re.search(rb'href="(/static/[^"]+\.css[^"]*)"', page)[1].decode()
    assert wayside.get(style)[1]["Content-Type"] == "text/css; charset=utf-8"
    assert wayside.get("/no/such/page")[0] == 404
    assert wayside.get("/static/../wayside/secret.py")[0] in (400, 404)


def test_unsafe_request_of_another_site_is_refused(wayside):
    assert wayside.ask("POST", "/login", b"", Sec_Fetch_Site="cross-site")[0] == 403
    assert wayside.ask("POST", "/login", b"", Origin="https://evil.example")[0] == 403


def test_upload_over_the_limit_is_413(wayside):
    length = 5 * 1024 * 1024 + 1
    head = f"POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n"
    raw = head.encode() + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    # The others answer before any of it is sent.
    body = b"x" * length if wayside.name == "waitress" else b""

    assert wayside.send(raw + body)[0] == 413
    assert wayside.get("/")[0] == 200
