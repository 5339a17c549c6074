"""Tell an error in at most eight lines of a terminal. Knows no application and no server."""

from __future__ import annotations

import logging
import os
import traceback
import unicodedata

from jinja2 import TemplateSyntaxError
from werkzeug.exceptions import HTTPException

from costrel.debug.frames import Place, count_frames, find_place, relative
from costrel.errors import CostrelError

__all__ = ["MAX_LINES", "DevelopmentFormatter", "describe", "full_tracebacks", "summarise"]

MAX_LINES = 8
_MAX_WIDTH = 300
"""Longest line that is written: a message may quote a whole document."""
_TAB = "    "
# SECURITY: a message may quote what a client sent; no control character of it reaches the terminal.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != 9}


def summarise(exc: BaseException) -> list[str]:
    """Tell what failed, where in the developer's own code, and what is left out.

    Args:
        exc: An error that was raised; one that was not has no place to show.

    Returns:
        At most eight lines, without line ends: the message, the place, its
        source with a caret, the error behind this one, the count of the rest.

    Example:
        >>> summarise(ValueError("no cups left"))
        ['ValueError: no cups left']
    """
    place = find_place(exc)
    tail = [*_behind(exc), *_left_out(exc, shown=place is not None)]
    room = MAX_LINES - len(tail)
    message = _message(exc)[: room - 3 if place else room]
    where = _where(place, room - len(message)) if place else []

    return [line[:_MAX_WIDTH] for line in (*message, *where, *tail)]


def describe(exc: BaseException) -> str:
    """Tell an error as its developer asked for: summarised, or with the full traceback."""
    if full_tracebacks():
        return "".join(traceback.format_exception(exc)).rstrip("\n")

    return "\n".join(summarise(exc))


def full_tracebacks() -> bool:
    """Tell whether ``--traceback full`` or ``COSTREL_TRACEBACK=full`` asks for all frames."""
    return os.environ.get("COSTREL_TRACEBACK", "").lower() == "full"


class DevelopmentFormatter(logging.Formatter):
    """Log errors by their summary; log errors of the client without any traceback.

    The record keeps its ``exc_info``, so that other handlers still write the
    whole traceback.

    Args:
        inner: The formatter that writes everything but the error.
    """

    def __init__(self, inner: logging.Formatter | None = None) -> None:
        super().__init__()
        self.inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        """Write a record, and its error behind it."""
        info, text = record.exc_info, record.exc_text
        # NOTE: a formatter leaves its text on the record; set aside, or a log file would get the summary.
        record.exc_info = record.exc_text = None
        try:
            line = self.inner.format(record)
        finally:
            record.exc_info, record.exc_text = info, text
        error = info[1] if info else None
        if error is None or _is_expected(error):
            return line

        return f"{line}\n{describe(error)}"


def _is_expected(error: BaseException) -> bool:
    return isinstance(error, HTTPException) and (error.code or 500) < 500


def _message(exc: BaseException) -> list[str]:
    name = _type_name(exc)
    lines = [line for line in _text(exc).splitlines() if line.strip()]
    hint = []
    if isinstance(exc, CostrelError) and exc.hint:
        hint = ["  hint: " + " ".join(exc.hint.split())]
    hint += ["  " + " ".join(note.split()) for note in getattr(exc, "__notes__", ())]
    if not lines:
        lines = [""]
    heading = f"{name}: {lines[0].strip()}" if lines[0] else name
    # The hint is the part to act on: it comes before what else the problem tells.
    shown = [heading, *hint, *(f"  {line}" for line in lines[1:])]

    return [_clean(line) for line in shown]


def _text(exc: BaseException) -> str:
    if isinstance(exc, CostrelError):
        return exc.problem
    if isinstance(exc, SyntaxError):
        return exc.msg
    if isinstance(exc, TemplateSyntaxError):
        return exc.message or ""
    try:
        return str(exc)
    except Exception:  # a broken __str__ must not hide the error it belongs to
        return "(its message cannot be shown)"


def _type_name(exc: BaseException) -> str:
    kind = type(exc)
    if kind.__module__ in ("builtins", "__main__", "costrel.errors"):
        return kind.__qualname__

    return f"{kind.__module__}.{kind.__qualname__}"


def _where(place: Place, room: int) -> list[str]:
    """Show a place in so many lines: its name, then source with a caret."""
    function = f" in {place.function}" if place.function else ""
    heading = f"  {relative(place.filename)}:{place.line}{function}"
    failing = place.text(place.line)
    if room < 2 or not failing.strip():
        return [_clean(heading)]

    caret = _caret(place, failing) if room > 2 else ""
    lines = _lines_around(place, room - 1 - bool(caret))
    width = len(str(lines[-1]))
    shown = [_clean(heading)]
    for number in lines:
        mark = ">" if number == place.line else " "
        shown.append(f"  {mark} {number:>{width}} | {_clean(place.text(number))}".rstrip())
        if number == place.line and caret:
            shown.append(f"    {'':>{width}}   {caret}")

    return shown


def _lines_around(place: Place, count: int) -> list[int]:
    """Choose up to five lines that lead to the failing one, and one behind it if there is room."""
    after = 1 if count > 3 and place.text(place.line + 1).strip() else 0
    first = max(1, place.line - min(count, 5) + 1 + after)
    while first < place.line and not place.text(first).strip():
        first += 1

    return list(range(first, place.line + after + 1))


def _caret(place: Place, text: str) -> str:
    if place.column < 0:
        return ""

    before, marked = text[: place.column], text[place.column : place.end_column].rstrip()

    return " " * _cells(before) + "^" * max(1, _cells(marked))


def _cells(text: str) -> int:
    """Count the columns a text takes in a terminal; East Asian wide ones take two."""
    return sum(len(_TAB) if c == "\t" else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _behind(exc: BaseException) -> list[str]:
    """Name the errors that led to this one in one line."""
    errors = []
    error: BaseException | None = exc
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        errors.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if isinstance(exc, BaseExceptionGroup):
        return [_clean(f"  first of {len(exc.exceptions)}: {_one_line(exc.exceptions[0])}")]
    if len(errors) == 1:
        return []

    word = "caused by" if exc.__cause__ else "raised while handling"
    more = f", and {len(errors) - 2} more" if len(errors) > 2 else ""

    return [_clean(f"  {word} {_one_line(errors[1])}{more}")]


def _one_line(exc: BaseException) -> str:
    place = find_place(exc)
    where = f" ({relative(place.filename)}:{place.line})" if place else ""

    return _message(exc)[0][:160] + where


def _left_out(exc: BaseException, *, shown: bool) -> list[str]:
    total, own = count_frames(exc)
    hidden = total - shown
    if hidden <= 0 or isinstance(exc, SyntaxError):
        return []

    # One of them is the place that is shown, if any is the developer's.
    yours = own - 1 if shown and not isinstance(exc, TemplateSyntaxError) else own
    detail = f" ({yours} of yours)" if yours > 0 else ""

    return [f"  {hidden} more frame{'s' * (hidden != 1)} hidden{detail}; '--traceback full' shows all"]


def _clean(line: str) -> str:
    return line.replace("\t", _TAB).translate(_CONTROLS)
