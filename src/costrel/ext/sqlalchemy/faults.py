"""What an error of the database means when it is no bug, and what the visitor gets then.

The database is gone, or overloaded, or two transactions were in each other's
way: that is a 503 which says when to come back, and one line in the log. A
value that a column cannot hold is a 400, because visitors sent it.
``find_fault`` and ``retrying`` know no application.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Literal, TypeVar, cast

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import BadRequest, HTTPException, ServiceUnavailable

from costrel import Costrel, has_request_context, request

__all__ = ["Fault", "find_fault", "make_fallback", "retrying", "tell_of_break"]

F = TypeVar("F", bound=Callable[..., Any])

# SQLSTATE codes of PostgreSQL, error numbers of MariaDB and MySQL.
_CONFLICTS = {
    "40001",  # serialization failure
    "40P01",  # deadlock
    "55P03",  # a lock was not to be had in time
    1020,  # changed since it was read, in MariaDB's snapshots
    1205,  # a lock was not to be had in time
    1213,  # deadlock
}
_OVERLOADS = {"53300", 1040, 1203}  # too many connections
_SQLITE_CONFLICTS = {5, 6}  # SQLITE_BUSY and SQLITE_LOCKED: "database is locked"
_GONE = {
    "57P01",  # told to stop
    "57P02",  # another process of it crashed
    "57P03",  # starting, or stopping
    1053,  # stopping
    1927,  # the connection was killed
    2002,  # no connection, by socket or by TCP
    2003,
    2006,  # the connection is gone, before or in a query
    2013,
}

_UNFIT = {
    "22001",  # too long
    "22003",  # out of range
    "22021",  # no character of the database's, such as NUL
    "22P05",
    1264,  # out of range
    1366,  # no character of the column's
    1406,  # too long
}
# Drivers refuse these themselves, without a code: psycopg, asyncpg, sqlite3.
_UNFIT_TEXT = re.compile(r"cannot contain NUL|value out of \w+ range|too large to convert to SQLite")

_TOLD = {
    "gone": "The database is out of reach",
    "overloaded": "The database has no connection left",
    "conflict": "Two transactions were in each other's way",
    "unfit": "The database cannot hold a value",
}
_FOR_VISITORS = "The service is busy or out of reach. Try again in a moment."
_FOR_SENDERS = "A value is too long or too large, or has characters that cannot be kept."

Kind = Literal["gone", "overloaded", "conflict", "unfit"]

_PASSWORDS = re.compile(r"(://[^:/@\s]*:)[^@\s]+(?=@)|(\bpassword\s*=\s*)('[^']*'|\S+)", re.IGNORECASE)

# Where an OSError comes from a driver: asyncpg's are handed through as they are.
_DRIVERS = ("sqlalchemy.dialects.", "sqlalchemy.connectors.")

_FIRST_WAIT_SECONDS = 0.05
_MAX_REASON = 300

_KINDS: tuple[tuple[set[Any], Kind], ...] = (
    (_CONFLICTS, "conflict"),
    (_OVERLOADS, "overloaded"),
    (_GONE, "gone"),
    (_UNFIT, "unfit"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of the database that is no bug of the application."""

    kind: Kind
    """``"conflict"``: doing the whole transaction again helps. ``"unfit"``: what was sent is to blame."""

    reason: str
    """What the driver says: the first line, without passwords."""


def find_fault(error: BaseException) -> Fault | None:
    """Say what an error means for the visitor, or ``None`` if it is a bug.

    Args:
        error: What a view raised.

    Example:
        >>> from sqlalchemy.exc import ProgrammingError, TimeoutError
        >>> find_fault(TimeoutError("QueuePool limit reached"))
        Fault(kind='overloaded', reason='QueuePool limit reached')
        >>> find_fault(ProgrammingError("SELECT 1 FROM cups", {}, Exception("no table"))) is None
        True
    """
    if isinstance(error, PoolTimeoutError):
        return Fault("overloaded", _one_line(error.args[0] if error.args else error))
    if isinstance(error, DBAPIError):
        kind = _kind_of(error)
        return None if kind is None else Fault(kind, _one_line(error.orig))
    if isinstance(error, OSError) and _is_of_driver(error):
        return Fault("gone", _one_line(error))
    if isinstance(error, OverflowError) and _UNFIT_TEXT.search(str(error)):  # sqlite3's
        return Fault("unfit", _one_line(error))

    return None


def _kind_of(error: DBAPIError) -> Kind | None:
    cause: Any = error.orig  # the driver's, of any class
    sqlite_code = getattr(cause, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return "conflict" if sqlite_code & 0xFF in _SQLITE_CONFLICTS else None

    code = getattr(cause, "sqlstate", None) or (cause.args[0] if getattr(cause, "args", ()) else None)
    if isinstance(code, str | int):
        for codes, kind in _KINDS:
            if code in codes:
                return kind
    if _UNFIT_TEXT.search(str(cause)):
        return "unfit"
    # 08… are connections'. Without a statement it is the connection that could not be made.
    if (
        re.fullmatch("08[0-9A-Z]{3}", str(code))
        or error.connection_invalidated
        or (isinstance(error, OperationalError) and _is_at_connect(error))
    ):
        return "gone"

    return None


def _is_at_connect(error: DBAPIError) -> bool:
    return error.statement is None and "sqlite" not in type(error.orig).__module__


def _is_of_driver(error: BaseException) -> bool:
    traceback = error.__traceback__
    while traceback is not None:
        if str(traceback.tb_frame.f_globals.get("__name__", "")).startswith(_DRIVERS):
            return True
        traceback = traceback.tb_next

    return False


def _one_line(error: object) -> str:
    # The first line says what; those after it may tell of rows and other connections.
    text = " ".join(str(error).strip().partition("\n")[0].split()) or type(error).__name__

    # Masked before it is cut: half a password is one too.
    return _PASSWORDS.sub(lambda match: f"{match[1] or match[2]}***", text)[:_MAX_REASON]


def make_fallback(
    app: Costrel, retry_after_seconds: Callable[[], int | None]
) -> Callable[[Exception], HTTPException | None]:
    """Make what ``app.error_fallback`` asks for an answer.

    In debug mode errors are left to the debugger, which tells more.

    Args:
        app: Its logger gets a line for each answer.
        retry_after_seconds: Called for each 503; ``None`` leaves the error.
    """

    def fall_back(error: Exception) -> HTTPException | None:
        fault = None if app.debug else find_fault(error)
        if fault is None:
            return None

        _note_seen(error)
        seconds = retry_after_seconds()
        instead: HTTPException = BadRequest(_FOR_SENDERS)
        if fault.kind != "unfit":
            if seconds is None:
                return None
            instead = ServiceUnavailable(_FOR_VISITORS, retry_after=seconds)
        asked = f"{request.method} {request.path}" if has_request_context() else "no request"
        log = app.logger.error if fault.kind in {"gone", "overloaded"} else app.logger.warning
        log("%s; %s gets a %s: %s", _TOLD[fault.kind], asked, instead.code, fault.reason)

        return instead

    return fall_back


def tell_of_break(app: Costrel, error: BaseException) -> None:
    """Log in one line what breaks off an answer that is being sent already: no 503 can stand in for it.

    The error itself goes on to the server, which closes the connection, so
    that nobody takes what was sent for the whole.

    Args:
        app: Its logger gets the line.
        error: What a request is torn down with.
    """
    if app.debug or not has_request_context() or hasattr(error, _SEEN):
        return
    fault = find_fault(error)
    if fault is None:
        return

    _note_seen(error)  # the request may have a second session
    asked = f"{request.method} {request.path}"
    app.logger.error("%s; the answer to %s breaks off: %s", _TOLD[fault.kind], asked, fault.reason)


_SEEN = "_costrel_sqlalchemy_seen"


def _note_seen(error: BaseException) -> None:
    """Note that an error was answered or told of, or left to who handles it."""
    setattr(error, _SEEN, True)


def retrying(
    function: F,
    *,
    attempts: int,
    rollback: Callable[[], object],
    arollback: Callable[[], Awaitable[object]],
) -> F:
    """Make a function that begins again when another transaction was in its way.

    Args:
        function: Does a whole transaction, commit included; may be async.
        attempts: How often it is called at most; 1 or more.
        rollback: Called before it is called again.
        arollback: The same for one that is async.

    Raises:
        ValueError: If there is no attempt to make.
    """
    if attempts < 1:
        raise ValueError(f"attempts must be 1 or more, got {attempts!r}")

    if iscoroutinefunction(function):

        @wraps(function)
        async def attempt_async(*args: Any, **kwargs: Any) -> Any:
            for wait_seconds in _waits(attempts):
                try:
                    return await function(*args, **kwargs)
                except Exception as error:
                    if not _is_conflict(error):
                        raise
                await arollback()
                await asyncio.sleep(wait_seconds)

            return await function(*args, **kwargs)

        return cast(F, attempt_async)

    @wraps(function)
    def attempt(*args: Any, **kwargs: Any) -> Any:
        for wait_seconds in _waits(attempts):
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if not _is_conflict(error):
                    raise
            rollback()
            time.sleep(wait_seconds)

        return function(*args, **kwargs)

    return cast(F, attempt)


def _waits(attempts: int) -> Iterator[float]:
    """Yield the seconds to wait after each attempt but the last: more each time, and never in step."""
    for number in range(attempts - 1):
        yield random.uniform(0, _FIRST_WAIT_SECONDS * 2**number)


def _is_conflict(error: Exception) -> bool:
    fault = find_fault(error)

    return fault is not None and fault.kind == "conflict"
