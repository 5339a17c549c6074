import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.serving.chunked import ChunkedBody

END = b"0\r\n\r\n"


def chunk(data, more=b""):
    return b"%x%s\r\n%s\r\n" % (len(data), more, data)


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.integers(1, 60))
def test_what_was_cut_into_chunks_is_put_together(pieces, size):
    body = ChunkedBody(io.BytesIO(b"".join(map(chunk, pieces)) + END + b"GET /next"))

    assert b"".join(iter(lambda: body.read(size), b"")) == b"".join(pieces)
    assert body.read() == b""


def test_what_follows_the_body_is_left_for_the_next_request():
    stream = io.BytesIO(chunk(b"abc") + b"0\r\nX-Trailer: 1\r\n\r\nGET /next")

    assert ChunkedBody(stream).read() == b"abc"
    assert stream.read() == b"GET /next"


def test_size_may_have_capitals_and_an_extension():
    assert ChunkedBody(io.BytesIO(b"A;name=value\r\n0123456789\r\n" + END)).read() == b"0123456789"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"xyz\r\n",
        b"-5\r\nabcde\r\n" + END,
        b"+5\r\nabcde\r\n" + END,
        b"0x5\r\nabcde\r\n" + END,
        b"5_0\r\nabcde\r\n" + END,
        b"\r\n",
        b"3\r\nabcde\r\n" + END,
        b"3\r\nab",
        b"3\r\nabc",
        b"3\r\nabc\r\n",
        b"0\r\n",
        b"ffffffffffffff\r\nabc",
        b"f" * 16 + b"\r\nabc",
        b"3;" + b"x" * 5_000 + b"\r\nabc\r\n" + END,
        chunk(b"abc") + b"0\r\n" + b"X: 1\r\n" * 100 + b"\r\n",
    ],
)
def test_malformed_or_broken_chunks_are_an_error_and_never_an_end(text):
    with pytest.raises(OSError, match=r"chunk"):
        ChunkedBody(io.BytesIO(text)).read()


def test_enormous_size_takes_no_memory():
    body = ChunkedBody(io.BytesIO(b"fffffffffffffff\r\nabc"))

    assert body.read(1_000) == b"abc"
    with pytest.raises(OSError, match="breaks off"):
        body.read(1_000)
