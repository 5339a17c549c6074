"""On every server: a request's body is whole or refused, and no trouble with it stops the next request."""

import socket

import pytest

pytestmark = pytest.mark.servers


def post(path, body=b"", **headers):
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]

    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*pieces, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def test_whole_bodies_are_read_whole(server, of):
    by_length = server.send(post(f"/take?of={of}", b"x" * 100, Content_Length=100))
    by_chunks = server.send(
        post(f"/take?of={of}", chunked(b"x" * 60, b"y" * 40), Transfer_Encoding="chunked")
    )

    assert by_length[::2] == by_chunks[::2] == (200, b'{"length":100}\n')


def test_body_shorter_than_declared_is_never_taken_for_whole(server, of):
    status, _, _ = server.send(post(f"/take?of={of}", b"12345", Content_Length=100), half_close=True)

    assert status in (400, None)
    assert "whole" not in server.events(of)


@pytest.fixture
def tells_of_broken_chunks(request, server):
    """granian 2.8 hands out the same empty bytes where a chunked body breaks and where it ends."""
    if server.name == "granian":
        request.applymarker(pytest.mark.xfail(reason="granian does not tell of a broken chunked body"))


@pytest.mark.usefixtures("tells_of_broken_chunks")
@pytest.mark.parametrize(
    "rest",
    [b"xyz\r\nabc\r\n0\r\n\r\n", b"-5\r\nabcde\r\n0\r\n\r\n", b"5\r\nabcdeXX3\r\nabc\r\n0\r\n\r\n"],
    ids=["no number", "negative", "too long"],
)
def test_malformed_chunk_is_refused(server, of, rest):
    status, _, _ = server.send(
        post(f"/take?of={of}", b"3\r\nabc\r\n" + rest, Transfer_Encoding="chunked"), half_close=True
    )

    assert status in (400, None)
    assert "whole" not in server.events(of)


@pytest.mark.usefixtures("tells_of_broken_chunks")
@pytest.mark.parametrize("rest", [b"", b"5\r\nab", b"5\r\nabcde", b"ffffffffffffff\r\nab"])
def test_chunked_body_that_breaks_off_is_never_taken_for_whole(server, of, rest):
    status, _, _ = server.send(
        post(f"/take?of={of}", b"3\r\nabc\r\n" + rest, Transfer_Encoding="chunked"),
        half_close=True,
    )

    assert status in (400, None)
    assert "whole" not in server.events(of)


def test_chunked_body_over_the_limit_is_413_and_of_the_limit_passes(server, of):
    over = server.send(
        post(f"/take?of={of}&limit=1000", chunked(b"x" * 600, b"y" * 401), Transfer_Encoding="chunked")
    )
    assert over[0] == 413
    assert "whole" not in server.events(of)

    exact = server.send(
        post(f"/take?of={of}&limit=1000", chunked(b"x" * 600, b"y" * 400), Transfer_Encoding="chunked")
    )
    assert exact[::2] == (200, b'{"length":1000}\n')


def test_declared_body_over_the_limit_is_413_before_it_is_sent(server, of):
    if server.name == "waitress":
        pytest.skip("waitress reads the whole body before it asks the application")

    # An asynchronous server has a short body there before a thread is taken for the view.
    length = 65_537 if server.name == "granian-rsgi" else 11

    assert server.send(post(f"/take?of={of}&limit=10", Content_Length=length))[0] == 413


def test_client_that_leaves_while_it_sends_ends_the_request_once(server, of, hang_up):
    sock = server.connect()
    sock.sendall(post(f"/take?of={of}", b"x" * 10, Content_Length=100_000))
    if server.name != "waitress":  # which calls the application when all is there
        server.until(lambda: f"begun {of}\n" in server.said())
    hang_up(sock)

    if server.name != "waitress":
        server.until(lambda: "teardown" in server.events(of))
    assert server.events(of).count("teardown") == (server.name != "waitress")
    assert "whole" not in server.events(of)


def test_bad_bodies_fill_no_log_with_tracebacks(server, of):
    server.send(post(f"/take?of={of}", b"xyz\r\n", Transfer_Encoding="chunked"), half_close=True)
    server.send(post(f"/take?of={of}", b"12345", Content_Length=100), half_close=True)
    server.get("/echo?say=1")

    assert "Traceback" not in server.said()


def test_body_that_nobody_read_is_not_the_next_request(server):
    inner = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    raw = post("/leave", inner, Content_Length=len(inner)).replace(b"Connection: close\r\n", b"")
    with server.connect() as sock:
        sock.sendall(raw)
        sock.sendall(b"GET /echo?say=next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        if server.name != "granian":  # which takes this for the client's leaving
            sock.shutdown(socket.SHUT_WR)
        try:
            answer = b"".join(iter(lambda: sock.recv(65_536), b""))
        except ConnectionResetError:
            answer = b""  # it closed the connection rather than read on

    assert b"smuggled" not in answer
    assert server.events("smuggled") == []


def test_length_and_chunks_together_smuggle_nothing(server, of):
    hidden = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    server.send(
        post(f"/take?of={of}", hidden, Content_Length=len(hidden), Transfer_Encoding="chunked"),
        half_close=True,
    )

    assert server.events("smuggled") == []
