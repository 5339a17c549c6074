"""On every server: streams that clients leave are closed and torn down once; bodies come piece by piece."""

import json

import pytest

pytestmark = pytest.mark.servers

SERVERS = ["uvicorn", "hypercorn", "granian-asgi", "gunicorn-gthread", "granian", "werkzeug"]
PATHS = [
    f"/{view}-view/{kind}/{source}"
    for view in ("async", "sync")
    for kind in ("events", "stream")
    for source in ("async", "sync")
]


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory, start_server):
    """A server with the probe of streams, one for all tests of this module."""
    running = start_server(request.param, "stream_probe:app", tmp_path_factory.mktemp(request.param))
    yield running
    running.stop()


@pytest.mark.parametrize("path", PATHS)
def test_client_that_leaves_ends_the_stream_and_the_request_once(server, of, hang_up, path):
    with server.connect() as sock:
        sock.sendall(f"GET {path}?of={of} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        seen = b""
        while b"first" not in seen:
            seen += sock.recv(65_536)
        assert server.events(of) == []
        hang_up(sock)

    server.until(lambda: "teardown" in server.events(of))

    assert server.events(of) == ["closed", "teardown"]


def test_events_come_without_loss_and_in_order(server):
    status, headers, body = server.get("/many")

    assert status == 200
    assert headers["Content-Type"].startswith("text/event-stream")
    assert body == b":\n\n" + b"".join(b"data: %d\n\n" % number for number in range(10_000))


@pytest.mark.parametrize("view", ["async-view", "sync-view"])
def test_stream_that_fails_ends_the_request_once_and_is_never_taken_for_whole(server, of, view):
    with server.connect() as sock:
        sock.sendall(
            f"GET /{view}/fails?of={of} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b""
        while data := sock.recv(65_536):
            answer += data

    assert b"\r\nfirst" in answer
    assert b"content-length" not in answer.lower()
    # What granian 2.8 does under WSGI, whatever the application tells it; the reference page says so.
    is_taken_for_whole = server.name == "granian"
    assert answer.endswith(b"\r\n0\r\n\r\n") == is_taken_for_whole
    server.until(lambda: server.events(of) == ["teardown"])


@pytest.mark.parametrize("view", ["async-view", "sync-view"])
def test_upload_is_read_part_by_part(server, view):
    form = (
        b'--limes\r\nContent-Disposition: form-data; name="title"\r\n\r\nHoliday\r\n'
        b'--limes\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n'
        + b"0\r\n" * 3_000_000
        + b"\r\n--limes--\r\n"
    )

    status, _, body = server.ask(
        "POST", f"/{view}/parts", form, Content_Type="multipart/form-data; boundary=limes"
    )

    assert (status, json.loads(body)) == (200, {"title": 7, "a.bin": 9_000_000})


def test_body_that_is_cut_is_never_taken_for_whole(server, of, hang_up):
    with server.connect() as sock:
        sock.sendall(f"POST /async-view/length?of={of} HTTP/1.1\r\n".encode())
        sock.sendall(b"Host: localhost\r\nContent-Length: 100\r\n\r\n12345")
        server.until(lambda: "begun" in server.events(of))
        hang_up(sock)

    server.until(lambda: "teardown" in server.events(of))

    assert server.events(of) == ["begun", "teardown"]
