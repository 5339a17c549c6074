"""Werkzeug's sans-IO decoder of multipart bodies, mended and without a compiled boundary. Knows no limits."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.sansio.multipart import MultipartDecoder

__all__ = ["Decoder"]

# What may follow a boundary before it can be told from data. RFC 2046 5.1.1 allows padding, without a
# limit; what is longer than this counts as data, so that no client decides how much is kept.
_BOUNDARY_BEGUN = re.compile(rb"-|[ \t\v\f]{0,128}")
# What ends a boundary, and with two dashes all of them.
_BOUNDARY_REST = re.compile(rb"(--[^\S\n\r]*(?:\r\n|\n|\r)?|[^\S\n\r]*(?:\r\n|\n|\r))")


class Decoder(MultipartDecoder):
    """Werkzeug's decoder, right also when a read ends just behind a boundary.

    Werkzeug's takes the line break before it, or a half of that, for data
    then: a file would be longer by a carriage return.
    """

    def __init__(self, boundary: bytes, *, max_parts: int | None = None) -> None:
        super().__init__(b"", max_parts=max_parts)  # whose expressions are compiled once
        self.boundary = boundary
        self.preamble_re: Any = _Boundary(boundary, begins_line=False)
        self.boundary_re: Any = _Boundary(boundary, begins_line=True)

    # Of a private name; tests that cut bodies at every byte notice if it goes.
    def _last_partial_boundary_index(self, data: bytes | bytearray) -> int:
        index = super()._last_partial_boundary_index(data)
        start = data.rfind(b"--" + self.boundary)
        if start == -1 or _BOUNDARY_BEGUN.fullmatch(data, start + 2 + len(self.boundary)) is None:
            return index

        return min(index, start - _break_before(data, start))


class _Boundary:
    """Finds a boundary in data as Werkzeug's expressions do, which are made anew for each boundary.

    PERF: clients choose a new one for each form, and compiling two expressions takes 160 µs.

    Args:
        boundary: What the content type names.
        begins_line: Whether a line break must be in front of it.
    """

    def __init__(self, boundary: bytes, *, begins_line: bool) -> None:
        self._marker = b"--" + boundary
        self._begins_line = begins_line

    def search(self, data: bytearray, position: int = 0) -> _Found | None:
        """Return the first one from a position on."""
        at = data.find(self._marker, position)
        while at != -1:
            rest = _BOUNDARY_REST.match(data, at + len(self._marker))
            if rest is not None:
                start = max(position, at - _break_before(data, at))
                if start < at or not self._begins_line:
                    return _Found(start, rest)
            at = data.find(self._marker, at + 1)

        return None


class _Found:
    """What Werkzeug's decoder asks of a match."""

    def __init__(self, start: int, rest: re.Match[bytes]) -> None:
        self._start = start
        self._rest = rest
        self.end = rest.end
        self.group = rest.group

    def start(self) -> int:
        """Return where it begins, with the line break before it."""
        return self._start


def _break_before(data: bytes | bytearray, at: int) -> int:
    """Return the length of the line break that ends at a position."""
    if data[max(at - 2, 0) : at] == b"\r\n":
        return 2

    return int(at > 0 and data[at - 1] in b"\r\n")
