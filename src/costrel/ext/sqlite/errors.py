"""What goes wrong with a database: answers for visitors, words for developers. Knows no connection."""

from __future__ import annotations

import logging
import sqlite3
from typing import NoReturn

from werkzeug.exceptions import ServiceUnavailable

from costrel.errors import CostrelError

__all__ = ["DatabaseLocked", "DatabaseUnavailable", "SchemaError", "explained", "raise_explained"]

_log = logging.getLogger("costrel.sqlite")

# The primary codes of https://sqlite.org/rescode.html
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNAVAILABLE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
_RETRY_SECONDS = 1


class DatabaseUnavailable(ServiceUnavailable, sqlite3.OperationalError):
    """The file cannot be opened, read or written now: an answer 503, and sqlite3's error."""

    sqlite_errorcode: int
    sqlite_errorname: str


class DatabaseLocked(DatabaseUnavailable):
    """Somebody else wrote for longer than ``SQLITE_BUSY_TIMEOUT``: a 503 with ``Retry-After``."""


class SchemaError(CostrelError, ValueError):
    """The file with the tables is not there or is wrong, or there are tables already."""


def explained(error: sqlite3.OperationalError) -> sqlite3.OperationalError:
    """Return the error to raise in place of one of sqlite3's.

    Visitors are told nothing of files and statements; the log is.

    Example:
        >>> error = sqlite3.OperationalError("database is locked")
        >>> error.sqlite_errorcode, error.sqlite_errorname = 5, "SQLITE_BUSY"
        >>> answer = explained(error)
        >>> answer.code, answer.retry_after
        (503, 1)
    """
    # Extended codes have the primary one in their lowest byte.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    answer: DatabaseUnavailable
    if code in _LOCKED:
        _log.warning("%s", error)
        answer = DatabaseLocked("The database is busy. Please try again.", retry_after=_RETRY_SECONDS)
    elif code in _UNAVAILABLE:
        _log.error("%s", error)
        answer = DatabaseUnavailable("The database is not available.")
    else:
        if "no such table" in str(error):
            error.add_note("  hint: Make the tables with: costrel init-db")
        return error

    answer.sqlite_errorcode = error.sqlite_errorcode
    answer.sqlite_errorname = error.sqlite_errorname

    return answer


def raise_explained(error: sqlite3.OperationalError) -> NoReturn:
    """Raise an error of sqlite3's as ``explained`` has it."""
    told = explained(error)
    if told is error:
        raise error
    raise told from error
