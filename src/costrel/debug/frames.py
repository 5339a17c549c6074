"""Find the line of a traceback that its reader wrote. Knows no terminal and no page."""

from __future__ import annotations

import linecache
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from types import TracebackType

from jinja2 import TemplateSyntaxError

__all__ = ["Place", "count_frames", "find_place", "is_own_file", "relative"]

_LIBRARIES = frozenset(
    ("blinker", "click", "costrel", "flask", "itsdangerous", "jinja2", "markupsafe", "werkzeug")
)
_INSTALLED = frozenset(("site-packages", "dist-packages"))
_STDLIB = os.path.dirname(os.__file__) + os.sep
# Code without a file that somebody typed; all other <names> are generated code.
_TYPED = frozenset(("<console>", "<stdin>", "<template>", "<unknown>"))
_WRONG_NAME = re.compile(r"^'([^']+)' is undefined$|has no attribute '([^']+)'$")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of source, and the part of it that failed.

    Columns count characters from 0; ``end_column`` is exclusive, and both are
    -1 when only the line is known.
    """

    filename: str
    line: int
    function: str = ""
    column: int = -1
    end_column: int = -1
    source: str = ""
    """The whole text, where it is not in a file."""

    def text(self, line: int) -> str:
        """Return one line of the source, or an empty string past its ends."""
        if self.source:
            lines = self.source.splitlines()
            return lines[line - 1] if 0 < line <= len(lines) else ""

        # A module that was edited since its import is shown as it is now, as in Python's own traceback.
        linecache.checkcache(self.filename)

        return linecache.getline(self.filename, line).rstrip("\n")


def is_own_file(filename: str, module: str = "") -> bool:
    """Tell whether a file is the developer's own: no library's, not Python's.

    Args:
        filename: As a code object has it.
        module: ``__name__`` in that file; tells libraries that run from a checkout.

    Example:
        >>> is_own_file("/home/ada/shop/views.py", "shop.views")
        True
        >>> is_own_file("/venv/lib/site-packages/jinja2/environment.py", "jinja2.environment")
        False
        >>> is_own_file("<frozen importlib._bootstrap>")
        False
    """
    if filename.startswith("<"):
        return filename in _TYPED
    if module.partition(".")[0] in _LIBRARIES:
        return False
    if not _INSTALLED.isdisjoint(PurePath(filename).parts):
        return False

    return not filename.startswith(_STDLIB)


def find_place(error: BaseException) -> Place | None:
    """Return the innermost place in the developer's own code.

    A syntax error is where the parser stopped. When no frame is the
    developer's own, the innermost one that has a file is returned.

    Returns:
        ``None`` for an error that was never raised.
    """
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return _syntax_place(error)
    if isinstance(error, TemplateSyntaxError):
        return _template_place(error)

    innermost: TracebackType | None = None
    own: TracebackType | None = None
    for tb in _walk(error.__traceback__):
        filename = tb.tb_frame.f_code.co_filename
        if is_own_file(filename, str(tb.tb_frame.f_globals.get("__name__", ""))):
            own = tb
        elif not filename.startswith("<"):
            innermost = tb
    shown = own or innermost

    return _traceback_place(shown, error) if shown else None


def count_frames(error: BaseException) -> tuple[int, int]:
    """Count the frames of an error's traceback: all of them, and the developer's own."""
    total = own = 0
    for tb in _walk(error.__traceback__):
        total += 1
        own += is_own_file(tb.tb_frame.f_code.co_filename, str(tb.tb_frame.f_globals.get("__name__", "")))

    return total, own


def relative(filename: str) -> str:
    """Shorten a path that is below the working directory.

    Example:
        >>> relative("<template>")
        '<template>'
    """
    here = os.getcwd() + os.sep

    return filename.removeprefix(here)


def _walk(tb: TracebackType | None) -> Iterator[TracebackType]:
    while tb is not None:
        yield tb
        tb = tb.tb_next


def _traceback_place(tb: TracebackType, error: BaseException) -> Place:
    code = tb.tb_frame.f_code
    # A line number is None for instructions the compiler added.
    line = tb.tb_lineno or code.co_firstlineno
    place = Place(code.co_filename, line, code.co_name)
    text = place.text(line)
    if "__jinja_exception__" in tb.tb_frame.f_globals:
        # Jinja raises the error again from generated code: the line is right, the columns are not.
        columns = _find_wrong_name(text, str(error))
    else:
        columns = _columns(tb, text)

    return Place(code.co_filename, line, _function_name(code.co_name), *columns)


def _columns(tb: TracebackType, text: str) -> tuple[int, int]:
    """Translate the instruction's position from bytes to characters."""
    positions = islice(tb.tb_frame.f_code.co_positions(), tb.tb_lasti // 2, None)
    line, end_line, start, end = next(positions, (None, None, None, None))
    if line != tb.tb_lineno or start is None or end is None:
        return -1, -1

    encoded = text.encode()
    first = len(encoded[:start].decode(errors="replace"))
    if end_line != line:
        return first, len(text)

    return first, len(encoded[:end].decode(errors="replace"))


def _find_wrong_name(text: str, message: str) -> tuple[int, int]:
    match = _WRONG_NAME.search(message)
    name = (match[1] or match[2]) if match else ""
    found = re.search(rf"\b{re.escape(name)}\b", text) if name else None

    return found.span() if found else (-1, -1)


def _function_name(name: str) -> str:
    return "" if name.startswith(("<module>", "top-level", "block ", "template")) else name


def _syntax_place(error: SyntaxError) -> Place:
    column = (error.offset or 0) - 1
    same_line = error.end_lineno in (None, error.lineno)
    end = (error.end_offset or 0) - 1 if same_line else -1

    columns = (column, max(end, column + 1)) if column >= 0 else (-1, -1)

    return Place(str(error.filename), error.lineno or 1, "", *columns)


def _template_place(error: TemplateSyntaxError) -> Place:
    return Place(error.filename or error.name or "<template>", error.lineno, source=error.source or "")
