import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge

from costrel.core.body import Meter, is_input_error, open_body, read_content_length


class Dribble(io.RawIOBase):
    """A stream that gives less than it is asked for, as sockets do."""

    def __init__(self, data, steps):
        self.data, self.steps = data, list(steps)

    def read(self, size=-1):
        size = min(size, self.steps.pop(0)) if self.steps else size
        part, self.data = self.data[:size], self.data[size:]
        return part


def body_of(data, *, declared=None, max_bytes=None, terminated=False, chunked=False, stream=None):
    environ = {"wsgi.input": stream or io.BytesIO(data)}
    if declared is not None:
        environ["CONTENT_LENGTH"] = str(declared)
    if terminated:
        environ["wsgi.input_terminated"] = True
    if chunked:
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    return open_body(environ, max_bytes)


def read_all(body):
    return body.read()


def read_in_blocks(body):
    return b"".join(iter(lambda: body.read(3), b""))


def read_lines(body):
    return b"".join(body)


def read_buffered(body):
    return io.BufferedReader(body, 4).read()


def read_into(body):
    out = b""
    while count := body.readinto(buffer := bytearray(3)):
        out += buffer[:count]
    return out


every_way = pytest.mark.parametrize("read", [read_all, read_in_blocks, read_lines, read_buffered, read_into])


@every_way
def test_declared_body_is_read_and_what_follows_is_left_for_the_next_request(read):
    stream = io.BytesIO(b"hello\nworldGET / HTTP/1.1")

    assert read(body_of(b"", declared=11, stream=stream)) == b"hello\nworld"
    assert stream.read() == b"GET / HTTP/1.1"


@every_way
@pytest.mark.parametrize("terminated", [False, True])
def test_body_shorter_than_declared_is_refused(read, terminated):
    with pytest.raises(ClientDisconnected):
        read(body_of(b"12345", declared=100, terminated=terminated))


@every_way
def test_chunked_body_of_exactly_the_limit_passes(read):
    assert read(body_of(b"12345", max_bytes=5, terminated=True, chunked=True)) == b"12345"


@every_way
def test_chunked_body_one_byte_over_the_limit_is_413_and_never_cut_short(read):
    with pytest.raises(RequestEntityTooLarge):
        read(body_of(b"123456", max_bytes=5, terminated=True, chunked=True))


def test_refused_body_stays_refused():
    body = body_of(b"123456", max_bytes=5, terminated=True)

    for _ in range(3):
        with pytest.raises(RequestEntityTooLarge):
            body.read()


def test_declared_length_over_the_limit_is_refused_before_reading():
    stream = io.BytesIO(b"123456")

    with pytest.raises(RequestEntityTooLarge):
        body_of(b"", declared=6, max_bytes=5, stream=stream)

    assert stream.tell() == 0


def test_declared_length_of_exactly_the_limit_passes():
    assert body_of(b"12345", declared=5, max_bytes=5).read() == b"12345"


def test_body_without_length_or_end_is_empty_because_reading_could_last_for_ever():
    assert body_of(b"12345").read() == b""


def test_terminated_body_without_length_is_read_to_its_end():
    assert body_of(b"12345", terminated=True).read() == b"12345"


def test_enormous_declared_length_takes_no_memory():
    asked = []

    class Greedy:
        def read(self, size):
            asked.append(size)
            return b""

    with pytest.raises(ClientDisconnected):
        body_of(b"", declared=10**15, stream=Greedy()).read()

    assert max(asked) <= 1_048_576


def _gunicorn_error():
    return type("InvalidHeader", (Exception,), {"__module__": "gunicorn.http.errors"})("bad trailer")


@pytest.mark.parametrize(
    "error",
    [
        OSError("reset"),
        ConnectionResetError(),
        TimeoutError(),
        EOFError(),
        ValueError("bad chunk"),
        _gunicorn_error(),
    ],
)
def test_error_of_the_server_while_reading_is_a_bad_request(error):
    class Broken:
        def read(self, size):
            raise error

    with pytest.raises(BadRequest) as caught:
        body_of(b"", declared=5, stream=Broken()).read()

    assert caught.value.__cause__ is error


def test_mistake_in_a_middlewares_stream_stays_an_error():
    class Wrong:
        def read(self, size):
            raise TypeError("a bug")

    with pytest.raises(TypeError):
        body_of(b"", declared=5, stream=Wrong()).read()

    assert not is_input_error(KeyError())


@pytest.mark.parametrize(
    ("environ", "length"),
    [
        ({}, None),
        ({"CONTENT_LENGTH": ""}, None),
        ({"CONTENT_LENGTH": "0"}, 0),
        ({"CONTENT_LENGTH": "12"}, 12),
        ({"CONTENT_LENGTH": "12", "HTTP_TRANSFER_ENCODING": "Chunked"}, None),
        ({"CONTENT_LENGTH": "12", "HTTP_TRANSFER_ENCODING": "gzip, chunked"}, None),
    ],
)
def test_content_length_is_read(environ, length):
    assert read_content_length(environ) == length


@pytest.mark.parametrize("text", ["-1", "+1", "1_0", "abc", "1,1", "٣", "1" * 20, "9" * 5_000, " 1"])
def test_content_length_that_is_no_number_is_refused(text):
    with pytest.raises(BadRequest):
        read_content_length({"CONTENT_LENGTH": text})


def test_lines_are_read_one_by_one_with_a_size():
    body = body_of(b"first\nsecond", declared=12)

    assert [body.readline(), body.readline(3), body.readline(), body.readline()] == [
        b"first\n",
        b"sec",
        b"ond",
        b"",
    ]
    assert body.tell() == 12
    assert body.is_exhausted
    assert body.exhaust() == b""


def test_lines_are_read_from_a_stream_without_readline():
    class Plain:
        def __init__(self):
            self.inner = io.BytesIO(b"a\nb\n")

        def read(self, size):
            return self.inner.read(size)

    assert list(body_of(b"", declared=4, stream=Plain())) == [b"a\n", b"b\n"]


def test_text_can_be_read_through_the_standard_wrapper():
    assert io.TextIOWrapper(body_of("é\n".encode(), declared=3), "utf-8").read() == "é\n"


@given(st.binary(max_size=50), st.lists(st.integers(1, 9)), st.integers(0, 60), st.booleans())
def test_body_is_whole_or_an_error_never_less(data, steps, limit, terminated):
    body = (
        body_of(
            b"",
            declared=None if terminated else len(data),
            max_bytes=limit,
            terminated=terminated,
            stream=Dribble(data, steps),
        )
        if len(data) <= limit or terminated
        else None
    )

    if len(data) > limit:
        if body is not None:
            with pytest.raises(RequestEntityTooLarge):
                body.read()
    else:
        assert body.read() == data


@given(st.integers(0, 40), st.lists(st.integers(1, 10)), st.integers(0, 30))
def test_meter_never_asks_for_more_than_one_byte_beyond_the_limit(declared, steps, limit):
    meter = Meter(None, limit, terminated=True)
    taken = 0

    for step in steps:
        asked = meter.ask(step)
        taken += asked
        assert taken <= limit + 1
        if taken > limit:
            with pytest.raises(RequestEntityTooLarge):
                meter.took(asked)
            break
        if asked:
            meter.took(asked)
