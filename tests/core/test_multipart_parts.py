"""Parts read one by one, in both ways; the limits are those of forms."""

import asyncio
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge

from costrel.core.body import Body, Meter
from costrel.core.form_limits import FormLimits
from costrel.core.multipart_parts import Parts

BOUNDARY = b"limes"


def field(name, value, more=""):
    head = f'--limes\r\nContent-Disposition: form-data; name="{name}"\r\n{more}\r\n'
    return head.encode() + value + b"\r\n"


def file(name, filename, data):
    head = (
        f'--limes\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        "Content-Type: text/csv\r\nX-More: 1\r\n\r\n"
    )
    return head.encode() + data + b"\r\n"


END = b"--limes--\r\n"


class Pieces:
    """A source that gives one piece after the other, in either way."""

    def __init__(self, *pieces):
        self.pieces = [piece for piece in pieces if piece]
        self.given = 0

    def read(self, size=-1):
        self.given += 1
        return self.pieces.pop(0) if self.pieces else b""

    async def areceive(self):
        await asyncio.sleep(0)
        return self.read()


def parts_of(*pieces, declared=None, **limits):
    source = Pieces(*pieces)
    parts = Parts(Body(source, Meter(declared, None, terminated=True)), BOUNDARY, FormLimits(**limits))
    parts.source = source
    return parts


def read_sync(parts):
    return [(part.name, part.filename, part.read()) for part in parts]


def read_async(parts):
    async def read():
        return [(part.name, part.filename, await part.aread()) async for part in parts]

    return asyncio.run(read())


def chunks_sync(parts):
    return [(part.name, part.filename, b"".join(part)) for part in parts]


def chunks_async(parts):
    async def read():
        return [(part.name, part.filename, b"".join([chunk async for chunk in part])) async for part in parts]

    return asyncio.run(read())


every_way = pytest.mark.parametrize("read", [read_sync, read_async, chunks_sync, chunks_async])


@every_way
@pytest.mark.parametrize("step", [1, 7, 64, 10_000])
def test_fields_and_files_are_read_in_order_however_they_come(read, step):
    data = b"\r\n--lime\r\n--limes-x" * 9
    body = b"preamble\r\n" + field("a", b"1") + file("f", "x.csv", data) + field("b", b"") + END
    parts = parts_of(*(body[at : at + step] for at in range(0, len(body), step)))

    assert read(parts) == [("a", None, b"1"), ("f", "x.csv", data), ("b", None, b"")]
    assert read(parts) == []


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(1, 80))
def test_any_data_comes_out_as_it_went_in(values, step):
    values = [value for value in values if b"--limes" not in value]
    body = b"".join(file("f", "x", value) for value in values) + END
    parts = parts_of(*(body[at : at + step] for at in range(0, len(body), step)))

    assert [data for _, _, data in read_sync(parts)] == values


def test_part_tells_what_its_headers_say():
    part = next(parts_of(file("f", "x.csv", b"data") + END))

    assert (part.name, part.filename, part.content_type) == ("f", "x.csv", "text/csv")
    assert part.headers["X-More"] == "1"
    assert repr(part) == "<Part 'f' of file 'x.csv'>"
    assert repr(next(parts_of(field("a", b"1") + END))) == "<Part 'a'>"


@every_way
def test_empty_body_has_no_parts(read):
    assert read(parts_of()) == []


def test_part_is_there_before_its_data_has_come():
    parts = parts_of(file("f", "x", b"0" * 100)[:-50], b"0" * 200_000, b"\r\n" + END)

    part = next(parts)
    assert parts.source.given == 1
    assert len(part.read()) > 200_000


def test_what_was_not_read_is_skipped():
    parts = parts_of(file("f", "x", b"0" * 100), file("g", "y", b"1" * 100), field("a", b"2"), END)

    next(parts)
    second = next(parts)
    next(second)

    assert next(parts).read() == b"2"


def test_part_that_is_over_is_refused_with_a_hint():
    parts = parts_of(field("a", b"1") + field("b", b"2") + END)
    first = next(parts)
    next(parts)

    with pytest.raises(RuntimeError, match=r"'a' is over(.|\n)*before you go on"):
        first.read()


async def test_two_tasks_cannot_read_the_parts_at_once():
    parts = parts_of(field("a", b"1") + END)
    first = asyncio.ensure_future(anext(parts))
    await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="another task"):
        await anext(parts)

    assert (await first).name == "a"


@pytest.mark.parametrize(
    ("body", "limits"),
    [
        (field("a", b"") * 4 + END, {"max_parts": 3}),
        (field("a", b"0" * 11) + END, {"max_field_bytes": 10}),
        (field("a", b"0" * 10) * 2 + END, {"max_total_bytes": 19}),
        (field("a", b"", "X: " + "y" * 9_000 + "\r\n") + END, {}),
        (field("a", b"", "X: y\r\n" * 40) + END, {}),
        (b"p" * 20_000 + b"\r\n" + field("a", b"") + END, {}),
        (b"--limes\r\nX: " + b"y" * 20_000, {}),
    ],
    ids=["parts", "field", "fields", "long header", "many headers", "preamble", "endless header"],
)
@every_way
def test_what_is_too_much_is_413(read, body, limits):
    with pytest.raises(RequestEntityTooLarge):
        read(parts_of(*(body[at : at + 1_000] for at in range(0, len(body), 1_000)), **limits))


@every_way
def test_limits_of_fields_are_kept_exactly_and_do_not_concern_files(read):
    body = field("a", b"0" * 10) * 2 + file("f", "x", b"0" * 1_000) + END

    assert len(read(parts_of(body, max_parts=3, max_field_bytes=10, max_total_bytes=20))) == 3


def test_reader_may_accept_less():
    assert next(parts_of(file("f", "x", b"0" * 10) + END)).read(10) == b"0" * 10
    with pytest.raises(RequestEntityTooLarge):
        next(parts_of(file("f", "x", b"0" * 11) + END)).read(10)


@pytest.mark.parametrize(
    "body",
    [
        b"no boundary at all",
        field("a", b"1"),
        b"--limes\r\nno header\r\n\r\nx\r\n" + END,
        b"--limes\r\nX: y\r\n\r\nz",
    ],
)
@every_way
def test_malformed_body_is_400(read, body):
    with pytest.raises(BadRequest):
        read(parts_of(body))


@every_way
def test_body_cut_short_is_400(read):
    body = file("f", "x", b"0" * 100) + END

    with pytest.raises(ClientDisconnected):
        read(parts_of(body[:120], declared=len(body)))


@pytest.mark.parametrize("boundary", [b"", b"x" * 201, "ä".encode()])
def test_unusable_boundary_is_400(boundary):
    with pytest.raises(BadRequest, match="boundary"):
        Parts(io.BytesIO(), boundary, FormLimits())


def test_what_follows_the_last_boundary_is_not_kept():
    parts = parts_of(field("a", b"1") + END, *[b"x" * 65_536] * 40)

    assert read_sync(parts) == [("a", None, b"1")]
    assert len(parts._decoder.buffer) < 200_000
