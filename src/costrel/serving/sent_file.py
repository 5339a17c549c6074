"""Files as bodies of responses on an asynchronous server: sent by the server's own means where it has them.

``SentFile`` is the ``wsgi.file_wrapper`` (PEP 3333) there, so whatever sends
files sends them so. Knows no application and no message.
"""

from __future__ import annotations

import io
import os
from typing import Any, NamedTuple

from werkzeug.wsgi import FileWrapper, _RangeWrapper

from costrel.core.files import OpenFile

__all__ = ["FILE_RANGE", "PATHSEND", "SentFile", "Span", "span_of"]

PATHSEND = "http.response.pathsend"
"""Among a scope's extensions: the server sends a file if it is given the path."""

FILE_RANGE = "costrel.filerange"
"""Likewise: with the path it takes where to start and where to stop."""

_PIECE_BYTES = 262_144
"""So much is read at once, because each time takes a worker thread."""


class SentFile(FileWrapper):
    """An open file as a body.

    Args:
        file: The file.
        buffer_size: Not used; the pieces are larger than those of servers of WSGI.
    """

    def __init__(self, file: Any, buffer_size: int = _PIECE_BYTES) -> None:
        super().__init__(file, _PIECE_BYTES)


# A tuple because a dataclass takes 0.5 ms to make, and this 0.1.
class Span(NamedTuple):
    """What a server is told to send."""

    path: str
    start: int
    stop: int
    is_whole: bool


def span_of(body: Any, length: int | None, extensions: Any) -> Span | None:
    """Return what the server can send of a body by itself, or ``None``.

    Args:
        body: The body of a response, of which nothing was read.
        length: The ``Content-Length`` of the response.
        extensions: Those of the scope.
    """
    if not extensions or PATHSEND not in extensions or length is None:
        return None
    start, stop = 0, length
    sent = body
    if type(body) is _RangeWrapper:
        if FILE_RANGE not in extensions or body.read_length:
            return None
        sent = body.iterable
        start, stop = body.start_byte, body.end_byte or 0
    if type(sent) is not SentFile or stop - start != length:
        return None

    return _look_at(sent.file, start, stop, is_range=body is not sent)


def _look_at(file: Any, start: int, stop: int, *, is_range: bool) -> Span | None:
    """Return the span if the file is one on the disk that the server would find as it was opened."""
    # Of other classes nobody knows what their name means, or for how long.
    path = file.path if type(file) is OpenFile else file.name if type(file) is io.BufferedReader else None
    if not isinstance(path, str | os.PathLike):
        return None

    try:
        path = os.path.abspath(os.fspath(path))
        opened, found = os.fstat(file.fileno()), os.stat(path)
        is_new = file.tell() == 0
    except (OSError, ValueError):
        return None  # removed meanwhile: it is still open here
    if not is_new or not isinstance(path, str) or not os.path.samestat(opened, found):
        return None
    if stop > opened.st_size or (not is_range and stop != opened.st_size):
        return None

    return Span(path, start, stop, not is_range)
