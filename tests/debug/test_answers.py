"""A failed request is answered in the client's own language, and only to trusted hosts."""

from __future__ import annotations

import json

import pytest
from werkzeug.debug import DebuggedApplication
from werkzeug.exceptions import BadRequest
from werkzeug.test import Client

from costrel.debug.answers import ErrorAnswers, wanted_format


def broken(environ, start_response):
    raise KeyError("cup")


@pytest.fixture
def ask():
    """Send a request to an application behind the layer, and behind the debugger if it draws the page."""

    def send(app=broken, *, page=True, trusted=(), host="localhost:5000", **headers):
        layer = ErrorAnswers(app, page=page, trusted_hosts=trusted)
        outer = DebuggedApplication(layer, evalex=False) if page else layer
        names = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        return Client(outer).get("/", environ_overrides={"HTTP_HOST": host, **names})

    return send


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("*/*", "text"),
        ("", "text"),
        ("application/json", "json"),
        ("application/problem+json, */*", "json"),
        ("text/plain", "text"),
    ],
)
def test_only_who_names_html_gets_the_page(accept, kind):
    assert wanted_format(accept) == kind


def test_a_browser_gets_the_page_of_the_debugger(ask, capsys):
    response = ask(accept="text/html")

    assert response.status_code == 500
    assert response.mimetype == "text/html"
    assert "KeyError" in response.text


def test_a_program_gets_a_few_lines_of_text(ask):
    response = ask(accept="*/*")

    assert (response.status_code, response.mimetype) == (500, "text/plain")
    assert response.text.startswith("KeyError: 'cup'\n")
    assert len(response.text.splitlines()) <= 8


def test_a_client_of_json_gets_json(ask):
    response = ask(accept="application/json")

    answer = json.loads(response.data)
    assert answer["error"] == "KeyError: 'cup'"
    assert answer["at"].endswith(f"test_answers.py:{broken.__code__.co_firstlineno + 1}")


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example"])
def test_a_host_that_is_not_trusted_learns_nothing(ask, accept, host):
    response = ask(accept=accept, host=host)

    assert response.status_code == 500
    assert "cup" not in response.text
    assert response.mimetype == "text/plain"


@pytest.mark.parametrize(
    "host", ["localhost", "shop.localhost:80", "127.0.0.1:5000", "[::1]", "[::1]:5000", "dev.example"]
)
def test_loopback_and_listed_hosts_are_trusted(ask, host):
    assert "cup" in ask(host=host, trusted=["dev.example"]).text


def test_without_debugger_a_browser_gets_the_text_too(ask):
    assert ask(page=False, accept="text/html").mimetype == "text/plain"


def test_the_error_is_told_once_in_the_terminal(ask, capsys):
    for accept in ("text/html", "*/*"):
        ask(accept=accept)

        log = capsys.readouterr().err
        assert log.count("KeyError: 'cup'") == 1
        assert "Traceback" not in log


def test_an_answer_that_had_begun_is_cut_off(ask):
    def begun(environ, start_response):
        start_response("200 OK", [])
        yield b"half"
        raise KeyError("cup")

    with pytest.raises(ConnectionAbortedError):
        ask(begun, page=False).get_data()


def test_an_error_of_the_client_that_was_trapped_keeps_its_status(ask):
    def trapped(environ, start_response):
        raise BadRequest("no such field")

    assert ask(trapped).status_code == 400


def test_the_applications_answer_is_closed(ask):
    closed = []

    class Body(list):
        def close(self):
            closed.append(1)

    def works(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Body([b"ok"])

    assert ask(works, page=False).data == b"ok"
    assert closed == [1]
