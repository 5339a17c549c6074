"""On every server: answers are framed as HTTP says, and what a client does to one harms no other."""

import socket
import threading

import pytest

pytestmark = pytest.mark.servers


def test_client_that_leaves_a_stream_closes_it_and_ends_the_request_once(server, of, hang_up):
    sock = server.connect()
    sock.sendall(f"GET /stream?of={of} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    received = 0
    while received < 200_000:
        received += len(sock.recv(65_536))
    hang_up(sock)

    server.until(lambda: "teardown" in server.events(of))
    assert server.events(of) == ["closed", "teardown"]


def test_stream_arrives_whole(server):
    assert server.get("/three")[::2] == (200, b"one,two,three")


@pytest.mark.parametrize("path", ["/echo?say=hello", "/three", "/static/long.bin", "/no/such/page"])
def test_head_has_the_headers_of_get_and_no_body(request, server, path):
    if (server.name, path) == ("waitress", "/three"):
        reason = "waitress 3.0 ends even the answer to HEAD with a last chunk, if its length is unknown"
        request.applymarker(pytest.mark.xfail(reason=reason))

    get = server.get(path)
    raw = f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    with server.connect() as sock:
        sock.sendall(raw)
        text = b"".join(iter(lambda: sock.recv(65_536), b""))

    head, _, body = text.partition(b"\r\n\r\n")
    assert body == b""
    assert f" {get[0]} ".encode() in head.splitlines()[0]
    assert f"content-type: {get[1]['Content-Type']}".encode() in head.replace(
        b"Content-Type", b"content-type"
    )


def test_unchanged_page_is_304_without_a_body(server):
    tag = server.get("/tagged")[1]["ETag"]
    raw = f"GET /tagged HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {tag}\r\nConnection: close\r\n\r\n"
    with server.connect() as sock:
        sock.sendall(raw.encode())
        text = b"".join(iter(lambda: sock.recv(65_536), b""))

    head, _, body = text.partition(b"\r\n\r\n")
    assert b" 304 " in head.splitlines()[0]
    assert body == b""


@pytest.mark.parametrize(
    ("wanted", "status", "start", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=200000-", 206, 200_000, 262_144),
        ("bytes=-5", 206, 262_139, 262_144),
        ("bytes=70000-262143", 206, 70_000, 262_144),
        ("bytes=0-9,20-29", 200, 0, 262_144),
    ],
)
def test_part_of_a_file_is_exactly_that_part(server, wanted, status, start, end):
    answer, headers, body = server.get("/static/long.bin", Range=wanted)

    assert answer == status
    assert body == (bytes(range(256)) * 1_024)[start:end]
    assert headers["Content-Length"] == str(end - start)
    assert headers.get("Content-Range") == (f"bytes {start}-{end - 1}/262144" if status == 206 else None)


def test_part_beyond_the_end_is_416(server):
    status, headers, _ = server.get("/static/long.bin", Range="bytes=262144-")

    assert (status, headers["Content-Range"]) == (416, "bytes */262144")


def test_requests_sent_at_once_are_answered_in_their_order(server):
    def get(say, more=""):
        return f"GET /echo?say={say} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode()

    with server.connect() as sock:
        sock.sendall(get("first") + get("second", "Connection: close\r\n"))
        sock.shutdown(socket.SHUT_WR)
        try:
            text = b"".join(iter(lambda: sock.recv(65_536), b""))
        except ConnectionResetError:
            return  # it answers one request a connection, and leaves the other unread

    bodies = [part.partition(b"\r\n\r\n")[2] for part in text.split(b"HTTP/1.")[1:]]
    assert bodies in ([b"first"], [b"first", b"second"])


@pytest.mark.parametrize(
    "headers",
    [
        "X-Long: " + "a" * 2_000_000,
        "\r\n".join(f"X-{n}: 1" for n in range(100_000)),
        "X-\x00: 1",
        "X : 1\r\n y",
    ],
    ids=["long", "many", "NUL", "space before the colon"],
)
def test_hostile_headers_are_refused_or_survived(server, headers):
    status, _, _ = server.send(
        f"GET /header-length HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n\r\n".encode()
    )

    assert status is None or status < 500
    assert server.get("/echo?say=alive")[2] == b"alive"


@pytest.mark.parametrize("host", ["a:1:2", "a/b", "a@b", "[::1", "a b"])
def test_malformed_host_is_400(server, host):
    status, _, body = server.send(
        f"GET /echo?say=hello HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    )

    assert status == 400
    assert b"hello" not in body


def test_a_hundred_requests_at_once_are_never_mixed_up(server):
    mixed_up, cookies = [], {}
    lock = threading.Lock()

    def visit(who):
        for _ in range(2):
            cookie = {"Cookie": cookies[who]} if who in cookies else {}
            status, headers, body = server.get(f"/identity/{who}?who={who}", **cookie)
            with lock:
                cookies[who] = headers["Set-Cookie"].partition(";")[0]
                if (status, body) != (200, b"[]\n"):
                    mixed_up.append((who, status, body))

    threads = [threading.Thread(target=visit, args=(f"visitor-{number}",)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert mixed_up == []
    assert len(set(cookies.values())) == 50


@pytest.mark.parametrize("path", ["/boom", "/exit"])
def test_view_that_fails_is_a_plain_500_and_the_server_goes_on(server, path):
    status, headers, body = server.get(path)

    assert status == 500
    assert b"hunter2" not in body
    assert b"Traceback" not in body
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert server.get("/echo?say=alive")[2] == b"alive"


def test_async_view_is_answered(server):
    assert server.get("/async")[::2] == (200, b"later")
