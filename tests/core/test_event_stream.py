import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.core.event_stream import check_line, encode_event, read_last_event_id


def parse(stream):
    """Read a stream as the HTML standard tells browsers to (9.2.6), event by event."""
    events, data, kind, last_id, retry = [], "", "", "", None
    text = stream.decode()
    for line in re.split("\r\n|\r|\n", text)[:-1]:
        if not line:
            if data:
                events.append((kind or "message", data.removesuffix("\n"), last_id))
            data, kind = "", ""
            continue
        if line.startswith(":"):
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data += value + "\n"
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and value.isdecimal():
            retry = int(value)

    return events, retry


LINES = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n: "))


@given(TEXTS, st.none() | LINES, st.none() | LINES, st.none() | TEXTS)
def test_browser_reads_what_was_written_and_nothing_else(data, event, id, comment):
    stream = encode_event(data, event=event, id=id, comment=comment)

    events, _ = parse(stream)

    assert events == [(event or "message", re.sub("\r\n|\r", "\n", data), id or "")]


@given(TEXTS)
def test_comment_is_never_more_than_a_comment(comment):
    assert parse(encode_event(comment=comment)) == ([], None)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_data_is_split_where_browsers_end_lines(end):
    assert encode_event(f"a{end}b{end}") == b"data: a\ndata: b\ndata: \n\n"


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_data_is_not_split_at_other_separators(character):
    assert encode_event(f"a{character}b") == f"data: a{character}b\n\n".encode()


def test_all_fields_are_written():
    stream = encode_event("x", event="add", id="7", retry=50, comment="hi")

    assert stream == b": hi\nretry: 50\nevent: add\nid: 7\ndata: x\n\n"


def test_empty_data_is_an_event_and_no_data_is_none():
    assert parse(encode_event("")) == ([("message", "", "")], None)
    assert parse(encode_event(id="7")) == ([], None)


def test_lone_surrogate_does_not_end_the_stream():
    assert encode_event("a\ud800b") == b"data: a?b\n\n"


@pytest.mark.parametrize("value", ["a\n", "\ra", "a\r\ndata: b", "\0"])
def test_value_of_more_than_a_line_is_refused(value):
    with pytest.raises(ValueError, match="one line") as caught:
        check_line("id", value)

    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, None), ("", None), ("7", "7"), ("ä".encode().decode("latin1"), "ä"), ("\xff", "\ufffd")],
)
def test_last_event_id_is_read_as_utf8(header, expected):
    assert read_last_event_id(header) == expected
