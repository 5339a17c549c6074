"""Opens the files of a folder, and remembers what follows from each of them.

Nothing here leaves the folder by its name, waits for a pipe, or opens what is
no regular file. Knows no request and no response.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from typing import NamedTuple
from zlib import adler32

from werkzeug.exceptions import NotFound
from werkzeug.http import http_date, quote_etag
from werkzeug.security import safe_join

from costrel.core.downloads import describe

__all__ = ["KnownFile", "open_in_folder"]

_KEPT_FILES = 4_096

# NONBLOCK: opening a pipe must not wait for its writer. On a regular file it means nothing.
_OPEN = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_ABSENT = frozenset(
    (errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.ENXIO)
)


# A tuple because a dataclass takes 0.5 ms to make, at every start, and this 0.1.
class KnownFile(NamedTuple):
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
_known: dict[tuple[str, str, str], KnownFile] = {}


def open_in_folder(
    root_path: str, directory: str, filename: str, *, dotfiles: bool, symlinks: bool
) -> tuple[int, KnownFile]:
    """Open a file below a directory.

    Args:
        root_path: Where a relative directory begins.
        directory: The directory.
        filename: What the visitor asked for.
        dotfiles: Whether names with a dot in front are there.
        symlinks: Whether symbolic links may lead out of the directory.

    Returns:
        The descriptor, which the caller closes, and what is known of the file.

    Raises:
        NotFound: If there is no such regular file.
    """
    key = (root_path, directory, filename)
    known = _known.get(key)
    path = _locate(key) if known is None else known.path
    fd, status = _open_regular(path)
    try:
        identity = (status.st_ino, status.st_mtime_ns, status.st_size, status.st_ctime_ns, status.st_dev)
        if known is None or known.identity != identity:
            known = _learn(key, path, status, identity)
        if (known.hidden and not dotfiles) or (known.outside and not symlinks):
            raise NotFound()
    except BaseException:
        os.close(fd)
        raise

    return fd, known


def _locate(key: tuple[str, str, str]) -> str:
    """Join the folder and the name, if the name stays in the folder."""
    root_path, directory, filename = key
    path = safe_join(directory, filename)
    if path is None:
        raise NotFound()

    return os.path.join(root_path, path)


def _open_regular(path: str) -> tuple[int, os.stat_result]:
    """Open a regular file for reading; whatever else is there is not found."""
    try:
        fd = os.open(path, _OPEN)
    except PermissionError:
        # Windows says so of a directory. A file that may not be read is the operator's mistake.
        if os.path.isfile(path):
            raise
        raise NotFound() from None
    except ValueError:
        raise NotFound() from None  # NUL, or a character the file system cannot name
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
        raise NotFound() from None

    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise NotFound()
    except BaseException:
        os.close(fd)
        raise

    return fd, status


def _learn(
    key: tuple[str, str, str], path: str, status: os.stat_result, identity: tuple[int, int, int, int, int]
) -> KnownFile:
    """Work out what follows from the file, and keep it."""
    root_path, directory, filename = key
    check = adler32(path.encode(errors="surrogateescape")) & 0xFFFFFFFF
    known = KnownFile(
        path=path,
        identity=identity,
        hidden=_is_hidden(filename),
        outside=_is_outside(os.path.join(root_path, directory), path, status),
        before=describe(os.path.basename(path)),
        last_modified=http_date(status.st_mtime),
        etag=quote_etag(f"{status.st_mtime}-{status.st_size}-{check}"),
    )
    if len(_known) >= _KEPT_FILES:
        _known.clear()
    _known[key] = known

    return known


def _is_hidden(filename: str) -> bool:
    first, *rest = posixpath.normpath(filename).split("/")

    return (first.startswith(".") and first != ".well-known") or any(part.startswith(".") for part in rest)


def _is_outside(directory: str, path: str, status: os.stat_result) -> bool:
    """Tell whether symbolic links lead out of the folder, or no longer to the opened file."""
    folder = os.path.realpath(directory)
    real = os.path.realpath(path)
    try:
        is_same = os.path.samestat(os.stat(real), status)
    except OSError:
        is_same = False

    return not is_same or not real.startswith(os.path.join(folder, ""))
