import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from costrel.core.form_limits import FormLimits
from costrel.core.forms import FormParser, load_urlencoded, read_urlencoded
from costrel.core.multipart import refuse_two_boundaries

BOUNDARY = "frontier"


def part(headers, data):
    lines = "".join(f"{line}\r\n" for line in headers).encode()
    return b"--" + BOUNDARY.encode() + b"\r\n" + lines + b"\r\n" + data + b"\r\n"


def field(name, data=b"x"):
    return part([f'Content-Disposition: form-data; name="{name}"'], data)


def file(name, data, filename="f.bin"):
    return part([f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'], data)


END = b"--" + BOUNDARY.encode() + b"--\r\n"


class Dribble(io.BytesIO):
    """Gives no more than so many bytes at a time."""

    def __init__(self, data, step=1):
        super().__init__(data)
        self.step = step

    def read(self, size=-1):
        return super().read(min(size, self.step))


def parse(body, *, boundary=BOUNDARY, mimetype="multipart/form-data", stream=None, **limits):
    total = limits.pop("max_total_bytes", None)
    parser = FormParser(**{"stream_factory": lambda **_: io.BytesIO()} | limits)
    parser.max_total_bytes = total
    options = {"boundary": boundary} if boundary else {}
    _, form, files = parser.parse(stream or io.BytesIO(body), mimetype, len(body), options)
    return form, files


def test_fields_and_files_are_read():
    form, files = parse(field("a", b"1") + file("f", b"\x00\r\n--data") + field("a", b"2") + END)

    assert form.getlist("a") == ["1", "2"]
    assert files["f"].read() == b"\x00\r\n--data"
    assert files["f"].filename == "f.bin"


@pytest.mark.parametrize("step", [1, 2, 3])
def test_form_is_read_rightly_wherever_its_reads_end(step):
    body = field("a", b"") + file("f", b"x\r\n") + field("b", b"2") + END

    form, files = parse(body, stream=Dribble(body, step))

    assert form.to_dict() == {"a": "", "b": "2"}
    assert files["f"].read() == b"x\r\n"


@pytest.mark.parametrize("padding", [b"", b" ", b" \t " * 40])
def test_boundary_may_be_padded(padding):
    body = field("a", b"1").replace(b"r\r\n", b"r" + padding + b"\r\n", 1) + END

    form, _ = parse(body)

    assert form.to_dict() == {"a": "1"}


parts = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(["a", "b"]),
        st.lists(
            st.sampled_from([b"BLOCK", b"\r\n", b"--frontier", b"\r", b"\n", b"--", b"y", b"\r\n--fronti"])
        ).map(b"".join),
    ),
    max_size=4,
)


@given(parts)
def test_forms_are_those_that_werkzeug_reads(items):
    body = b"".join((file if is_file else field)(name, data) for is_file, name, data in items) + END
    # More than one read's worth; put in here so that failures can be shown.
    body = body.replace(b"BLOCK", b"x" * 70_000)
    werkzeugs = FormDataParser(lambda **_: io.BytesIO(), silent=False)
    try:
        _, their_form, their_files = werkzeugs.parse(
            io.BytesIO(body), "multipart/form-data", len(body), {"boundary": BOUNDARY}
        )
    except ValueError:
        with pytest.raises((BadRequest, RequestEntityTooLarge)):
            parse(body)
        return

    try:
        form, files = parse(body)
    except RequestEntityTooLarge:
        # The data held a boundary, and the block after it stands for headers.
        assert any(b"--frontier" in data for _, _, data in items)
        return

    assert form == their_form
    assert [f.read() for _, f in files.items(multi=True)] == [
        f.read() for _, f in their_files.items(multi=True)
    ]


def test_number_of_parts_is_limited_on_both_sides_of_the_boundary():
    assert len(parse(field("a") + field("b") + END, max_form_parts=2)[0]) == 2

    with pytest.raises(RequestEntityTooLarge):
        parse(field("a") + field("b") + file("c", b"") + END, max_form_parts=2)


def test_size_of_one_field_is_limited_but_not_that_of_a_file():
    form, files = parse(field("a", b"12345") + file("f", b"x" * 200_000) + END, max_form_memory_size=5)
    assert form["a"] == "12345"
    assert len(files["f"].read()) == 200_000

    with pytest.raises(RequestEntityTooLarge):
        parse(field("a", b"123456") + END, max_form_memory_size=5)


def test_size_of_all_fields_together_is_limited():
    assert parse(field("a", b"123") + field("b", b"45") + END, max_total_bytes=5)[0]["b"] == "45"

    with pytest.raises(RequestEntityTooLarge):
        parse(field("a", b"123") + field("b", b"456") + END, max_total_bytes=5)


@pytest.mark.parametrize(
    "headers",
    [
        ["X-Long: " + "a" * 8_200],
        ["X-Long: " + "a" * 1_000_000],
        [f"X-{number}: a" for number in range(33)],
        ["X-Folded: a" + "\r\n a" * 4_200],
    ],
)
def test_headers_of_a_part_are_limited(headers):
    with pytest.raises(RequestEntityTooLarge):
        parse(part(['Content-Disposition: form-data; name="a"', *headers], b"x") + END)


def test_folded_part_header_is_unfolded_to_one_line():
    _, files = parse(
        part(['Content-Disposition: form-data;\r\n name="f"; filename="x"', "X-A: 1\r\n\t2"], b"x") + END
    )

    assert files["f"].headers["X-A"] == "1 2"


def test_preamble_is_limited_and_epilogue_is_not_kept():
    assert parse(b"hello\r\n" + field("a") + END + b"bye" * 1_000_000)[0] == MultiDict({"a": "x"})

    with pytest.raises(RequestEntityTooLarge):
        parse(b"x" * 100_000 + b"\r\n" + field("a") + END)


@pytest.mark.parametrize(
    "body",
    [
        field("a"),
        field("a")[:-5],
        b"--frontier\r\nX-No: disposition\r\n\r\nx\r\n" + END,
        b"--frontier\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END,
        b'--frontier\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n' + END,
        b"no boundary at all",
    ],
)
def test_malformed_multipart_is_400_and_never_an_empty_form(body):
    with pytest.raises(BadRequest):
        parse(body)


@pytest.mark.parametrize("boundary", [None, "é", "x" * 201])
def test_unusable_boundary_is_400_unless_there_is_no_body(boundary):
    assert parse(b"", boundary=boundary) == (MultiDict(), MultiDict())

    with pytest.raises(BadRequest):
        parse(field("a") + END, boundary=boundary)


@pytest.mark.parametrize("make", [io.BytesIO, Dribble])
def test_files_of_a_refused_form_are_closed(make):
    body = file("f", b"x") + field("a", b"too long") + END
    opened = []

    def open_file(**_):
        opened.append(io.BytesIO())
        return opened[-1]

    with pytest.raises(RequestEntityTooLarge):
        parse(body, stream=make(body), stream_factory=open_file, max_form_memory_size=4)

    assert [f.closed for f in opened] == [True]


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=a; boundary=b",
        'multipart/form-data; boundary="a"; Boundary=b',
        "multipart/form-data; boundary*0=a; boundary*1=b",
        "multipart/form-data;boundary=a;\tboundary =a",
    ],
)
def test_two_boundaries_are_refused(content_type):
    with pytest.raises(BadRequest):
        refuse_two_boundaries(content_type)


def test_one_boundary_passes_even_if_it_says_boundary():
    refuse_two_boundaries("multipart/form-data; boundary=WebKitFormBoundary7")


@pytest.mark.parametrize(
    ("limits", "fits", "too_much"),
    [
        (FormLimits(max_parts=2), b"a=1&b=2", b"a=1&b=2&c=3"),
        (FormLimits(max_parts=2), b"&&&a=1&&b=2&&", b"a&b&c"),
        (FormLimits(max_field_bytes=4), b"a=1234&b=1234", b"a=12345"),
        (FormLimits(max_field_bytes=4), b"a=%C3%A9%C3%A9", b"a=%C3%A9%C3%A9%C3%A9"),
        (FormLimits(max_total_bytes=7), b"a=1&b=2", b"a=1&b=23"),
    ],
)
def test_urlencoded_forms_have_the_same_limits(limits, fits, too_much):
    assert read_urlencoded(fits, limits)

    with pytest.raises(RequestEntityTooLarge):
        read_urlencoded(too_much, limits)


def test_urlencoded_form_over_the_total_is_not_read_to_its_end():
    stream = io.BytesIO(b"a=" + b"x" * 1_000_000)

    with pytest.raises(RequestEntityTooLarge):
        load_urlencoded(stream, FormLimits(max_total_bytes=10), None)

    assert stream.tell() < 100


def test_urlencoded_form_that_is_no_text_is_empty():
    assert parse(b"a=\xff", mimetype="application/x-www-form-urlencoded")[0] == MultiDict()


@pytest.mark.parametrize(
    ("mimetype", "body"),
    [
        ("application/x-www-form-urlencoded", b"a=1"),
        ("multipart/form-data", b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\n"),
        ("multipart/form-data", b""),
        ("text/plain", b"a=1"),
    ],
)
def test_parser_without_a_storage_class_takes_the_usual_one(mimetype, body):
    parser = FormParser()
    parser.cls = None  # as Werkzeug 3.2 has it

    _, form, files = parser.parse(io.BytesIO(body), mimetype, len(body), {"boundary": "b"})

    assert type(form) is type(files) is ImmutableMultiDict
    assert form.get("a") == ("1" if body and mimetype != "text/plain" else None)


def test_other_types_are_left_in_the_stream():
    stream = io.BytesIO(b"{}")

    assert parse(b"{}", mimetype="application/json", stream=stream) == (MultiDict(), MultiDict())
    assert stream.read() == b"{}"


@pytest.mark.parametrize(
    "make",
    [
        lambda n: file("f", b"\r" * n) + END,
        lambda n: file("f", b"\r\n" * (n // 2)) + END,
        lambda n: file("f", b"\r\n--frontie" * (n // 11)) + END,
        lambda n: file("f", b"--frontier" * (n // 10)) + END,
        lambda n: file("f", b"", filename='\\"' * min(n // 2, 4_000)) * (n // 20_000) + END,
        lambda n: field("a", b"") * (n // 60) + END,
    ],
)
def test_parsing_takes_time_in_proportion_to_the_size(make, assert_linear):
    bodies = {size: make(size) for size in (400_000, 1_600_000)}

    assert_linear(lambda size: parse(bodies[size]), 400_000)
