"""Reads server-sent events back, as a browser does. Pure: bytes go in, events come out."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Any

from costrel.sse import Event

__all__ = ["EventParser"]

# A CR at the end of what is there may be the first half of a CR LF.
_LINE = re.compile("([^\r\n]*)(\r\n|\n|\r(?!$))")


class EventParser:
    r"""A reader of ``text/event-stream``, by the rules of the HTML standard.

    Example:
        >>> parser = EventParser()
        >>> list(parser.feed(b"id: 7\ndata: two\nda"))
        []
        >>> list(parser.feed(b"ta: lines\n\n"))
        [Event(data='two\nlines', event=None, id='7', retry=None, comment=None)]
    """

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8-sig")("replace").decode
        self._text = ""
        self._data: list[str] = []
        self._fields: dict[str, Any] = {}

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Take a piece of the stream, and return the events that end in it.

        What the stream says of the next event stays here; an event that the
        stream breaks off in is none.
        """
        self._text += self._decode(piece)
        end = 0
        for match in _LINE.finditer(self._text):
            end = match.end()
            if match[1]:
                self._take(match[1])
                continue
            data, fields = self._data, self._fields
            self._data, self._fields = [], {}
            if data:
                yield Event("\n".join(data), **fields)
        self._text = self._text[end:]

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event" or (name == "id" and "\0" not in value):
            self._fields[name] = value
        elif name == "retry" and value.isascii() and value.isdecimal():
            self._fields[name] = int(value)
