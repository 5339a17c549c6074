import asyncio
import io
import threading

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


class ReadAhead(io.BytesIO):
    """A stream of which a server has read all that there is."""

    def take_whole(self):
        return None if self.tell() else self.read()


@every_way
@pytest.mark.parametrize("declared", [None, 11])
def test_body_that_was_read_in_advance_is_read_once(read, declared):
    body = body_of(b"", declared=declared, terminated=True, stream=ReadAhead(b"hello\nworld"))

    assert read(body) == b"hello\nworld"
    assert body.is_exhausted
    assert body.closed or read(body) == b""  # a buffered reader closes it


def test_body_that_was_read_in_advance_goes_on_where_reading_stopped():
    body = body_of(b"", declared=11, terminated=True, stream=ReadAhead(b"hello\nworld"))

    assert (body.read(3), body.read(), body.read()) == (b"hel", b"lo\nworld", b"")


def test_body_that_was_read_in_advance_keeps_within_the_limit_and_its_length():
    too_long = body_of(b"", max_bytes=5, terminated=True, stream=ReadAhead(b"123456"))
    cut_short = body_of(b"", declared=9, terminated=True, stream=ReadAhead(b"123456"))

    for _ in range(2):
        with pytest.raises(RequestEntityTooLarge):
            too_long.read()
        with pytest.raises(ClientDisconnected):
            cut_short.read()


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


# The asynchronous twins.


class Pieces:
    """A source as an asynchronous server has it."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)

    async def areceive(self):
        await asyncio.sleep(0)
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def read(self, size=-1):
        raise AssertionError("read synchronously")


def pieces_of(*pieces, declared=None, max_bytes=None):
    return body_of(b"", stream=Pieces(*pieces), declared=declared, max_bytes=max_bytes, terminated=True)


async def aread_all(body):
    return await body.aread()


async def aread_in_blocks(body):
    out = b""
    while data := await body.aread(3):
        assert len(data) <= 3
        out += data
    return out


async def aread_pieces(body):
    return b"".join([piece async for piece in body])


every_async_way = pytest.mark.parametrize("read", [aread_all, aread_in_blocks, aread_pieces])


@every_async_way
@pytest.mark.parametrize("declared", [None, 10])
async def test_pieces_are_read_asynchronously_to_their_end(read, declared):
    body = pieces_of(b"0123", b"45", b"6789", declared=declared, max_bytes=10)

    assert await read(body) == b"0123456789"
    assert await body.aread() == b""
    assert body.is_exhausted


@every_async_way
async def test_wsgi_stream_is_read_beside_the_event_loop(read):
    class Stream(io.BytesIO):
        def read(self, size=-1):
            threads.add(threading.current_thread())
            return super().read(size)

    threads = set()
    body = body_of(b"", stream=Stream(b"0123456789"), declared=10)

    assert await read(body) == b"0123456789"

    assert threading.current_thread() not in threads


@every_async_way
async def test_pieces_beyond_the_limit_are_413_now_and_later(read):
    body = pieces_of(b"0123", b"45", max_bytes=5)

    for _ in range(2):
        with pytest.raises(RequestEntityTooLarge):
            await read(body)


@every_async_way
async def test_pieces_that_end_too_soon_are_a_client_that_left(read):
    body = pieces_of(b"0123", declared=5)

    for _ in range(2):
        with pytest.raises(ClientDisconnected):
            await read(body)


@every_async_way
async def test_client_that_leaves_between_two_pieces_is_400(read):
    body = pieces_of(b"0123", ConnectionResetError("gone"), declared=5)

    with pytest.raises(ClientDisconnected):
        await read(body)


async def test_mistake_in_a_source_stays_an_error_of_the_server():
    with pytest.raises(LookupError):
        await pieces_of(LookupError("a mistake")).aread()


async def test_pieces_are_handed_on_as_they_come():
    body = pieces_of(b"0123", b"45")

    assert [piece async for piece in body] == [b"0123", b"45"]


async def test_reading_nothing_reads_nothing():
    body = pieces_of(b"0123")

    assert await body.aread(0) == b""
    assert await body.aread(1) == b"0"
    assert await anext(body) == b"123"


async def test_two_tasks_cannot_read_one_body():
    body = pieces_of(b"0123", b"45")
    first = asyncio.ensure_future(body.aread())
    await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="another task"):
        await body.aread()

    assert await first == b"012345"


async def test_kinds_of_reading_do_not_mix():
    body = body_of(b"0123", declared=4)
    body.read(1)
    with pytest.raises(RuntimeError, match=r"read synchronously already(.|\n)*body.read\(\)"):
        await body.aread()

    body = pieces_of(b"0123")
    await body.aread(1)
    with pytest.raises(RuntimeError, match=r"read asynchronously already(.|\n)*aread"):
        body.read()


async def test_after_the_end_either_kind_gives_nothing():
    body = body_of(b"0123", declared=4)
    body.read()
    assert await body.aread() == b""

    body = pieces_of(b"0123")
    await body.aread()
    assert body.read() == b""


async def test_cancelled_wait_for_a_piece_loses_nothing():
    class Late(Pieces):
        async def areceive(self):
            await come.wait()
            return await super().areceive()

    come = asyncio.Event()
    body = body_of(b"", stream=Late(b"0123"), terminated=True)
    reader = asyncio.ensure_future(body.aread())
    await asyncio.sleep(0)

    reader.cancel()
    await asyncio.wait({reader})
    come.set()

    assert await body.aread() == b"0123"


async def test_cancelled_read_in_a_thread_leaves_no_body_with_a_gap():
    class Late(io.BytesIO):
        def read(self, size=-1):
            began.set()
            come.wait(30)
            return super().read(size)

    began, come = threading.Event(), threading.Event()
    body = body_of(b"", stream=Late(b"0123"), declared=4)
    reader = asyncio.ensure_future(body.aread())
    await asyncio.to_thread(began.wait, 30)

    reader.cancel()
    await asyncio.wait({reader})
    come.set()

    with pytest.raises(RuntimeError, match="cancelled"):
        await body.aread()


@given(st.lists(st.binary(max_size=9)), st.lists(st.integers(1, 9)))
def test_reads_of_any_length_give_the_same_bytes(pieces, lengths):
    async def read():
        pieces_left = [piece for piece in pieces if piece]
        body = pieces_of(*pieces_left, declared=sum(map(len, pieces)))
        parts = [await body.aread(length) for length in lengths]
        return b"".join(parts) + await body.aread()

    assert asyncio.run(read()) == b"".join(pieces)
