"""Events are read as the HTML standard says, however the stream is cut into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.core.event_stream import encode_event
from costrel.sse import Event
from costrel.testing.events import EventParser


def read(*pieces):
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [Event("a")]),
        (b"data:a\r\n\r\n", [Event("a")]),
        (b"data:a\r\rdata:b\n\n", [Event("a"), Event("b")]),
        (b"\xef\xbb\xbfdata: a\n\n", [Event("a")]),
        (b"data\n\n", [Event("")]),
        (b"data:  two spaces\n\n", [Event(" two spaces")]),
        (b": comment\nid: 1\nevent: x\nretry: 50\ndata: a\ndata: b\n\n", [Event("a\nb", "x", "1", 50)]),
        (b"id: 1\nevent: x\n\ndata: a\n\n", [Event("a")]),
        (b"id: a\0b\nretry: soon\nother: x\ndata: a\n\n", [Event("a")]),
        (b"data: broken off", []),
        (b"data: broken off\n", []),
    ],
)
def test_a_stream_is_read_by_its_rules(stream, events):
    assert read(stream) == events


names = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1)
texts = st.text(st.characters(exclude_categories=["Cs"])).map(
    lambda text: text.replace("\r\n", "\n").replace("\r", "\n")
)
events = st.builds(Event, texts, st.none() | names, st.none() | names, st.none() | st.integers(0, 9_999))


@given(st.lists(events, max_size=4), st.lists(st.integers(0, 200), max_size=6).map(sorted))
def test_what_was_encoded_is_read_back_from_any_pieces(sent, cuts):
    stream = b"".join(
        encode_event(event.data, event=event.event, id=event.id, retry=event.retry) for event in sent
    )
    edges = [0, *cuts, len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges)]

    assert read(*pieces) == sent
