import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder

from costrel.core.multipart_whole import split_whole

HEADER = b'Content-Disposition: form-data; name="a"'
FILE = b'Content-Disposition: form-data; name="f"; filename="x.png"\r\nContent-Type: image/png'
# What bodies are made of, so that most of those that are drawn are all but right.
FRAGMENTS = [
    *(b"\r\n", b"\r", b"\n", b"--b", b"--b--", b"\r\n--b\r\n", b"\r\n--b--", b"\r\n--b--\r\n", b"--bb"),
    *(HEADER, FILE, HEADER + b"\r\n\r\n", FILE + b"\r\n\r\n", b"\r\n\r\n", b" ", b"\t", b"", b"x", b"\xff"),
    *(b'"', b"%22", b"\\", b";", b"Content-Type: text/plain; charset=latin1", b"X-Other: 1", b"\xc3\xa9"),
    *(b'content-disposition: form-data; name="\xc3\xa9"', b'Content-Disposition: form-data; name="\xc3\xa9"'),
]


def decode(body, boundary=b"b"):
    """Return names, file names, headers and data of the parts as Werkzeug's decoder finds them."""
    decoder = MultipartDecoder(boundary)
    decoder.receive_data(body)
    decoder.receive_data(None)
    parts = []
    while not isinstance(event := decoder.next_event(), Epilogue):
        if isinstance(event, Field | File):
            filename = event.filename if isinstance(event, File) else None
            parts.append([event.name, filename, list(event.headers), b""])
        elif isinstance(event, Data):
            parts[-1][3] += event.data

    return [tuple(part) for part in parts]


def body_of(*parts, end=b"--b--\r\n"):
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map(b"".join))
@example(body_of(HEADER + b"\r\n\r\n", FILE + b"\r\n\r\n\r\n"))
def test_parts_are_those_that_werkzeug_finds(middle):
    for body in (middle, b"--b\r\n" + HEADER + b"\r\n\r\n" + middle + b"\r\n--b--\r\n"):
        parts = split_whole(body, b"b", 8_192)
        if parts is not None:
            assert [tuple(part) for part in parts] == decode(body)


@pytest.mark.parametrize(
    "part",
    [
        HEADER + b"\r\n\r\nvalue",
        HEADER + b"\r\n\r\n",
        HEADER + b"\r\n\r\n\r\nlines\nof\rtext\r\n",
        b'Content-Disposition: form-data; name="\xc3\xbcber[]"\r\n\r\n\xe2\x82\xac',
        FILE + b"\r\n\r\n\x89PNG\r\n\x1a\n\x00",
        b'Content-Disposition: form-data; name="f"; filename=""\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n",
        b'Content-Disposition: form-data; name="f"; filename="a b.txt"\r\n'
        b"Content-Type: text/plain; charset=utf-8\r\n\r\ntext",
        b'Content-Disposition: form-data; name="f"; filename="no type"\r\n\r\ndata',
    ],
)
def test_what_browsers_send_needs_no_decoder(part):
    body = body_of(HEADER + b"\r\n\r\nfirst", part)

    parts = split_whole(body, b"b", 8_192)

    assert parts is not None
    assert [tuple(found) for found in parts] == decode(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"preamble\r\n" + body_of(HEADER + b"\r\n\r\nx"),
        body_of(HEADER + b"\r\n\r\nx", end=b"--b--\r\nepilogue"),
        body_of(HEADER + b"\r\n\r\nx", end=b""),
        body_of(HEADER + b"\r\n\r\nx", end=b"--b"),
        body_of(HEADER + b"\r\n\r\nx\n--b\r\n" + HEADER + b"\r\n\r\ny"),
        body_of(HEADER + b"\r\n\r\na mention of --b in a text"),
        body_of(HEADER),
        body_of(HEADER + b"\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n\xfc"),
        body_of(b'Content-Disposition: form-data; name="say %22hi%22"\r\n\r\nx'),
        body_of(b'Content-Disposition: form-data; name="\xff"\r\n\r\nx'),
        body_of(b"Content-Disposition: form-data; name*=UTF-8''n\r\n\r\nx"),
        body_of(b'Content-Disposition: form-data; name="' + b"n" * 9_000 + b'"\r\n\r\nx'),
        body_of(FILE + b"\r\nContent-Length: 1\r\n\r\nx"),
    ],
)
def test_what_is_unusual_or_malformed_is_left_to_the_decoder(body):
    assert split_whole(body, b"b", 8_192) is None
