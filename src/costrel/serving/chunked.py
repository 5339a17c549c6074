"""Read a chunked request body from a connection (RFC 9112 7.1). Knows no limit; ``core/body.py`` has them.

Werkzeug's development server has a reader of its own. At the end of a
connection that one goes on giving empty bytes for as long as the client said
that the chunk is, so a broken chunk of 2^60 bytes takes all memory.
"""

from __future__ import annotations

import io
import re
from typing import IO, Any

from werkzeug.serving import WSGIRequestHandler

__all__ = ["ChunkedBody", "RequestHandler"]

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_MAX_LINE_BYTES = 4_096
_MAX_TRAILERS = 64


class ChunkedBody(io.RawIOBase):
    """The body as it was before it was cut into chunks.

    Raises:
        OSError: While reading, if the chunks are malformed or break off.
    """

    def __init__(self, stream: IO[bytes] | io.BufferedIOBase) -> None:
        self._stream = stream
        self._left = 0
        self._ended = False
        self._begun = False

    def readable(self) -> bool:
        """Return ``True``."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read into a writable buffer; this is what ``io`` builds on."""
        if not self._left:
            self._next_chunk()
        if self._ended:
            return 0

        data = self._stream.read(min(len(buffer), self._left))
        if not data:
            raise OSError("the chunked body breaks off")
        buffer[: len(data)] = data
        self._left -= len(data)

        return len(data)

    def _next_chunk(self) -> None:
        """Read the end of one chunk and the size of the next."""
        if self._ended:
            return
        if self._begun and self._line() not in (b"\r\n", b"\n"):
            raise OSError("a chunk is longer than its size")

        self._begun = True
        size = _SIZE.fullmatch(self._line())
        if size is None:
            raise OSError("a chunk has no size")
        self._left = int(size[1], 16)
        if not self._left:
            self._skip_trailers()
            self._ended = True

    def _skip_trailers(self) -> None:
        for _ in range(_MAX_TRAILERS):
            if self._line() in (b"\r\n", b"\n"):
                return

        raise OSError("the chunked body has too many trailers")

    def _line(self) -> bytes:
        line = self._stream.readline(_MAX_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise OSError("a line of the chunked body is too long or breaks off")

        return line


class RequestHandler(WSGIRequestHandler):
    """Werkzeug's handler, with this reader of chunked bodies."""

    def make_environ(self) -> dict[str, Any]:
        """Make the WSGI environment."""
        environ = super().make_environ()
        if environ.get("wsgi.input_terminated"):
            environ["wsgi.input"] = ChunkedBody(self.rfile)

        return environ
