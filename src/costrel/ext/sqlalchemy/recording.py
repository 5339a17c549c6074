"""Which statements a context ran, from which line, how long, and which of them look like an N+1.

Nothing listens to an engine, and nothing costs, unless an option asks for it.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import FrameType
from typing import Any

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import Engine

import costrel
from costrel import current_app, g, has_app_context

__all__ = ["MAX_RECORDED", "QueryInfo", "get_recorded_queries", "listen"]

MAX_RECORDED = 1_000
"""So many queries of a context are kept, the newest; a WebSocket's may go on for days."""

_RECORDED = "_sqlalchemy_queries"
_COUNTED = "_sqlalchemy_repeated"
_STARTED = "_costrel_started"

_NOT_ITS = (
    *(
        os.path.join(os.path.dirname(os.path.abspath(str(module.__file__))), "")
        for module in (sqlalchemy, costrel)
    ),
    "<frozen ",
    "<string>",  # what SQLAlchemy and dataclasses make
)
_PACKAGES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_STANDARD = os.path.join(sysconfig.get_paths()["stdlib"], "")


@dataclass(frozen=True, slots=True)
class QueryInfo:
    """One query that a context ran."""

    statement: str | None
    """The SQL, with placeholders."""

    parameters: Any
    """What the driver got for them: a list with an entry for each row, which is one but for bulk inserts."""

    start_time: float
    """When it began, in seconds of ``time.perf_counter()``."""

    end_time: float
    """When the first row could be asked for, on the same clock."""

    location: str
    """The line of the application that asked: ``"file:line (function)"``."""

    @property
    def duration(self) -> float:
        """How long it took, in seconds."""
        return self.end_time - self.start_time


def get_recorded_queries() -> list[QueryInfo]:
    """Return the queries of the current context, the oldest first.

    There are some where ``SQLALCHEMY_RECORD_QUERIES`` is set; the newest
    1,000 are kept. They hold what visitors entered: do not log them whole.
    """
    return list(g.get(_RECORDED, ()))


def listen(engine: Engine, *, record: bool, repeated: int) -> None:
    """Notice what an engine runs from now on; with both options off, nothing.

    Args:
        engine: The engine; of an asynchronous one its ``sync_engine``.
        record: Keep each query for ``get_recorded_queries``.
        repeated: Warn once a context ran one statement more often than this
            from one line; 0: never.
    """
    if not record and not repeated:
        return

    # Any: SQLAlchemy's events have no types of their own.
    def begin(
        conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> None:
        setattr(context, _STARTED, time.perf_counter())

    def end(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        ended = time.perf_counter()
        if not has_app_context():
            return

        place = find_place()
        if record:
            queries = g.setdefault(_RECORDED, deque(maxlen=MAX_RECORDED))
            # As Flask-SQLAlchemy has them; what the event calls parameters is a list for several rows only.
            queries.append(QueryInfo(statement, context.parameters, getattr(context, _STARTED), ended, place))
        if repeated and statement.lstrip()[:6].upper() == "SELECT":
            _count(statement, place, repeated)

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)


def _count(statement: str, place: str, repeated: int) -> None:
    counts: dict[tuple[str, str], int] = g.setdefault(_COUNTED, {})
    key = (statement, place)
    if key not in counts and len(counts) >= MAX_RECORDED:
        return

    counts[key] = counts.get(key, 0) + 1
    if counts[key] == repeated + 1:
        current_app.logger.warning(
            "One statement ran more than %s times from %s: %s; likely one query for each row (N+1)."
            " Load what the rows refer to along with them: .options(selectinload(...)) or joinedload(...).",
            repeated,
            place,
            " ".join(statement.split())[:200],
        )


def find_place() -> str:
    """Name the innermost line on the stack that is the application's.

    Example:
        >>> find_place().endswith("(<module>)")
        True
    """
    package = current_app.import_name.partition(".")[0] if has_app_context() else ""
    for frame in _frames(sys._getframe(1)):
        place = _place_of(frame, package)
        if place:
            return place

    return "<unknown>"


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield a frame and those that wait for it, also outside of greenlets.

    SQLAlchemy runs its own code for asynchronous engines in a greenlet, whose
    stack begins there; the application's coroutine is on its parent's.
    """
    library: Any = sys.modules.get("greenlet")
    greenlet = None if library is None else library.getcurrent()
    while frame is not None:
        yield frame
        frame = frame.f_back
        if frame is None and greenlet is not None:
            greenlet = greenlet.parent
            frame = None if greenlet is None else greenlet.gr_frame


def _place_of(frame: FrameType, package: str) -> str:
    """Name the line of a frame if it is the application's, else return an empty text."""
    code, line = frame.f_code, frame.f_lineno
    template = frame.f_globals.get("__jinja_template__")
    if template is not None:  # a lazy load in a template; what runs is Python made of it
        return f"{code.co_filename}:{template.get_corresponding_lineno(line)} (template)"

    module = str(frame.f_globals.get("__name__", ""))
    if code.co_filename.startswith(_NOT_ITS):
        return ""
    if module.partition(".")[0] != package and _is_library(code.co_filename):
        return ""

    return f"{code.co_filename}:{line} ({code.co_name})"


@cache
def _is_library(filename: str) -> bool:
    return any(part in filename for part in _PACKAGES) or filename.startswith(_STANDARD)
