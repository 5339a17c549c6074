"""Each server recognises what it is given: the application's ASGI object and, where it can say so, itself."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.servers

SERVERS = ["uvicorn", "hypercorn", "granian-asgi", "granian-rsgi", "gunicorn-asgi"]
if sys.version_info >= (3, 12):  # before, no object can say that its call is a coroutine function
    SERVERS += ["uvicorn-itself", "hypercorn-itself", "gunicorn-asgi-itself"]


@pytest.fixture(scope="module", params=SERVERS)
def running(request, start_server, tmp_path_factory):
    """A server with the probe, one for all tests of this module."""
    server = start_server(request.param, "probe:app", tmp_path_factory.mktemp(request.param))
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("method", "path", "body", "answer"),
    [
        ("GET", "/async", None, b"later"),
        ("GET", "/echo?say=hello", None, b"hello"),
        ("POST", "/take?of=interfaces", b"x" * 100_000, b'{"length":100000}'),
        ("GET", "/three", None, b"one,two,three"),
        ("HEAD", "/async", None, b""),
    ],
)
def test_views_of_either_kind_answer(running, method, path, body, answer):
    status, _, found = running.ask(method, path, body)

    assert (status, found.strip()) == (200, answer)


def test_file_is_whole_and_in_parts(running):
    _, _, whole = running.get("/static/long.bin")
    status, _, part = running.get("/static/long.bin", Range="bytes=1000-200999")

    assert whole == bytes(range(256)) * 1_024
    assert (status, part) == (206, whole[1_000:201_000])


def test_nothing_of_it_is_an_error(running):
    assert "Traceback" not in running.said()
