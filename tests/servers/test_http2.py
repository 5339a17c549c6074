"""On servers that speak HTTP/2: bodies without a length, streams in both directions, resets, many at once."""

import json
import time
from dataclasses import dataclass

import pytest

pytestmark = pytest.mark.servers

h2 = pytest.importorskip("h2", reason="it comes with hypercorn: pip install costrel[servers]")

SERVERS = {
    "hypercorn": ["hypercorn", "-b", "ADDRESS", "http2_probe:asgi"],
    "granian": ["granian", "--http", "2", "--port", "PORT", "--interface", "asgi", "http2_probe:asgi"],
    "granian-rsgi": ["granian", "--http", "2", "--port", "PORT", "--interface", "rsgi", "http2_probe:app"],
}
FORM = ("content-type", "application/x-www-form-urlencoded")


@dataclass
class Answer:
    """What came of one stream."""

    headers: dict[str, str] | None = None
    body: bytes = b""
    has_ended: bool = False
    is_reset: bool = False

    @property
    def json(self):
        return json.loads(self.body)


class Connection:
    """A connection of HTTP/2 without TLS, as proxies open it."""

    def __init__(self, started):
        from h2.config import H2Configuration
        from h2.connection import H2Connection

        self.sock = started.connect()
        self.port = started.port
        self.http = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.http.initiate_connection()
        self.answers = {}

    def begin(self, method, path, headers=(), *, authority=None, is_whole=True):
        """Send a request's headers; return its stream's number."""
        number = self.http.get_next_available_stream_id()
        authority = authority or f"localhost:{self.port}"
        pseudo = [(":method", method), (":authority", authority), (":scheme", "http"), (":path", path)]
        self.answers[number] = Answer()
        self.http.send_headers(number, [*pseudo, *headers], end_stream=is_whole)
        self.flush()

        return number

    def send(self, number, data, *, is_last=False):
        self.http.send_data(number, data, end_stream=is_last)
        self.flush()

    def reset(self, number):
        self.http.reset_stream(number, 8)
        self.flush()

    def flush(self):
        self.sock.sendall(self.http.data_to_send())

    def until(self, is_so):
        while not is_so():
            data = self.sock.recv(65_536)
            assert data, "the server closed the connection"
            for event in self.http.receive_data(data):
                self._take(event)
            self.flush()

    def _take(self, event):
        answer = self.answers.get(getattr(event, "stream_id", None))
        kind = type(event).__name__
        if kind == "ResponseReceived":
            answer.headers = dict(event.headers)
        elif kind == "DataReceived":
            answer.body += event.data
            self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif kind == "StreamEnded":
            answer.has_ended = True
        elif kind == "StreamReset":
            answer.is_reset = True

    def end(self, number):
        """Return the whole answer."""
        answer = self.answers[number]
        self.until(lambda: answer.has_ended or answer.is_reset)

        return answer

    def get(self, path, headers=(), **options):
        return self.end(self.begin("GET", path, headers, **options))


@pytest.fixture(params=SERVERS)
def connect(request, launch):
    """Open connections to a server with the probe."""
    started = launch(SERVERS[request.param])
    opened = []

    def answers():
        try:
            started.connect().close()
        except OSError:
            return False
        return True

    def connect_once():
        opened.append(Connection(started))
        return opened[-1]

    started.until(answers)
    yield connect_once
    for connection in opened:
        connection.sock.close()


def events(connect, of, last="teardown"):
    """Return a request's events, when the last has come."""
    connection = connect()
    deadline = time.monotonic() + 60
    while last not in (found := connection.get(f"/events/{of}").json):
        assert time.monotonic() < deadline, found
    return found


@pytest.mark.parametrize("view", ["sync", "async"])
def test_body_that_announces_no_length_is_read_whole(connect, view):
    connection = connect()

    at_once = connection.begin("POST", f"/{view}/tell", [FORM], is_whole=False)
    connection.send(at_once, b"name=Ada&age=36", is_last=True)
    assert connection.end(at_once).json["form"] == {"name": "Ada", "age": "36"}

    in_frames = connection.begin("POST", f"/{view}/length", is_whole=False)
    for piece in (b"", b"x" * 10_000, b"", b"x" * 10_000):
        connection.send(in_frames, piece)
    connection.send(in_frames, b"", is_last=True)
    assert connection.end(in_frames).body == b"20000"

    empty = connection.begin("POST", f"/{view}/length")
    assert connection.end(empty).body == b"0"


@pytest.mark.parametrize("view", ["sync", "async"])
def test_body_that_is_reset_is_never_taken_for_whole(connect, view):
    connection = connect()
    number = connection.begin("POST", f"/{view}/length?of=upload", is_whole=False)
    connection.send(number, b"x" * 10_000)

    # Whoever reads it now has begun, or finds it reset.
    connection.reset(number)

    assert connection.get(f"/{view}/tell").headers[":status"] == "200"
    assert "whole" not in connection.get("/events/upload").json


def test_pieces_go_both_ways_at_once(connect):
    connection = connect()
    number = connection.begin("POST", "/async/echo", is_whole=False)
    answer = connection.answers[number]

    for count in range(1, 4):
        connection.send(number, b"piece,")
        connection.until(lambda: len(answer.body) == count * 6)
    connection.send(number, b"", is_last=True)

    assert connection.end(number).body == b"piece," * 3


@pytest.mark.parametrize("view", ["sync", "async"])
def test_stream_that_is_reset_is_closed_once_and_its_connection_goes_on(connect, view):
    connection = connect()
    number = connection.begin("GET", f"/{view}/endless?of=stream")
    connection.until(lambda: connection.answers[number].body)

    connection.reset(number)

    assert events(connect, "stream") == ["closed", "teardown"]
    assert connection.get(f"/{view}/tell").headers[":status"] == "200"


@pytest.mark.parametrize("view", ["sync", "async"])
def test_authority_is_the_host_and_cookies_in_several_fields_are_one(connect, view):
    seen = connect().get(
        f"/{view}/tell", [("cookie", "a=1"), ("cookie", "b=2")], authority="shop.example:8080"
    )

    assert seen.json == {
        "form": {},
        "cookies": {"a": "1", "b": "2"},
        "host": "shop.example:8080",
        "url": f"http://shop.example:8080/{view}/tell",
        "whole": "http://shop.example:8080/sync/tell",
    }


def test_streams_of_one_connection_are_never_mixed_up(connect):
    connection = connect()

    numbers = [
        connection.begin("GET", f"/{view}/identity/{view}{count}?who={view}{count}")
        for count in range(40)
        for view in ("sync", "async")
    ]

    assert [connection.end(number).json for number in numbers] == [[]] * 80
