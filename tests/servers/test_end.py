"""On every server: SIGTERM ends it; a request under way is finished where the server promises that."""

import pytest

pytestmark = pytest.mark.servers

FINISHES = {"gunicorn-sync", "gunicorn-gthread"}


def test_sigterm_ends_the_server_and_not_the_request_under_way(short_lived_server, of, read_answer):
    server = short_lived_server
    # The loop of async views runs in a thread of its own; it must not keep the process.
    assert server.get("/async")[2] == b"later"

    with server.connect() as sock:
        sock.sendall(
            f"POST /take?of={of} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345".encode()
        )
        if server.name in FINISHES:
            server.until(lambda: f"begun {of}\n" in server.said())
        server.process.terminate()
        if server.name in FINISHES:
            server.until(lambda: "SIGTERM" in server.said() or "Handling signal: term" in server.said())
        try:
            sock.sendall(b"67890")
        except OSError:
            assert server.name not in FINISHES
        status, _, body = read_answer(sock)

    if server.name in FINISHES:
        assert (status, body) == (200, b'{"length":10}\n')
    server.process.wait(20)
    assert "Traceback" not in server.said()
