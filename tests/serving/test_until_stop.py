"""Streams end at a stop as if at their end: their generators are closed, and what was sent stays sent."""

from __future__ import annotations

import pytest

from costrel import stream_with_context
from costrel.serving.until_stop import BetweenItems, until_stop


def numbers(notes):
    try:
        yield from "123"
    finally:
        notes.append("closed")


async def async_numbers(notes):
    try:
        for number in "123":
            yield number
    finally:
        notes.append("closed")


@pytest.mark.parametrize("source", [numbers, async_numbers])
def test_stream_without_a_stop_is_whole(app, client, source):
    notes = []
    app.add_url_rule("/", view_func=lambda: until_stop(source(notes)))

    assert client(app).get("/").text == "123"
    assert notes == ["closed"]


def test_stream_with_its_context_is_whole(app, client):
    notes = []
    app.add_url_rule("/", view_func=lambda: stream_with_context(until_stop(numbers(notes))))

    assert client(app).get("/").text == "123"
    assert notes == ["closed"]


def test_sync_stream_ends_with_its_next_item():
    notes = []
    stream = BetweenItems(numbers(notes))

    assert next(stream) == "1"
    stream.stop()

    assert list(stream) == []
    assert notes == ["closed"]


def test_sync_stream_is_closed_by_who_does_not_want_the_rest():
    notes = []
    stream = BetweenItems(numbers(notes))
    next(stream)

    stream.close()

    assert notes == ["closed"]


def test_sync_stream_of_any_iterable_ends_too():
    stream = BetweenItems(iter([1, 2, 3]))
    assert next(stream) == 1

    stream.stop()
    assert list(stream) == []
    stream.close()
