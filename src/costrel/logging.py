"""The application's logger. Knows the request only to find the server's error stream."""

from __future__ import annotations

import logging
import re
import sys
from functools import cache
from typing import Any, TextIO

from werkzeug.local import LocalProxy

from costrel import _current
from costrel.core.contracts import Application
from costrel.core.masking import mask_text, mask_url_passwords

__all__ = ["create_logger", "default_handler", "has_level_handler", "wsgi_errors_stream"]

# C0 and C1 controls, and the two separators that some viewers break lines at.
_CONTROL = "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]"
_CONTROL_IN_LINES = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]"

# How the lines of a traceback that are not indented begin: with words or the error's class.
_OF_TRACEBACK = re.compile(r"[ |+]|$|Traceback |The above |During |[A-Za-z_][\w.]*(?::|$)")

SEVERAL_LINES = "costrel_several_lines"
"""``extra={SEVERAL_LINES: True}`` for a message of costrel's own that has lines."""


def _error_stream() -> TextIO:
    ctx = _current.current.get(None)
    if ctx is not None and ctx.has_request:
        return ctx.request.environ["wsgi.errors"]  # type: ignore[no-any-return]  # the server's

    return sys.stderr


wsgi_errors_stream: Any = LocalProxy(_error_stream)
"""The server's error stream in a request, else ``sys.stderr``.

Can be named in ``logging.config`` as ``ext://costrel.logging.wsgi_errors_stream``.
"""


class _LineFormatter(logging.Formatter):
    """Keeps one message on one line, and secrets out of it.

    SECURITY: what a visitor sends gets into messages. A line break in it would
    forge a record, an escape sequence would rewrite the terminal. And errors
    tell passwords: those of the database's address, say.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        if not getattr(record, SEVERAL_LINES, False):
            record.message = mask_text(_compiled(_CONTROL).sub(_escape, record.message))

        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802  # logging's name; its tuple is Any
        text = _compiled(_CONTROL_IN_LINES).sub(_escape, super().formatException(ei))

        return "\n".join(map(_fit_line, text.split("\n")))


def _fit_line(line: str) -> str:
    """Make a line of a traceback safe to log."""
    # What is indented is source, where "password=form.password" is no secret.
    if line[:2] == "  ":
        return mask_url_passwords(line)

    # A line break in an error's message must not begin what looks like a record.
    return mask_text(line if _OF_TRACEBACK.match(line) else f"  {line}")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # for cost: 0.2 ms each, only records need them
    return re.compile(pattern)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


default_handler = logging.StreamHandler(wsgi_errors_stream)
"""Writes to ``wsgi_errors_stream``; the application's logger has it if nothing else is set up."""

default_handler.setFormatter(_LineFormatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s"))


def has_level_handler(logger: logging.Logger) -> bool:
    """Tell whether a handler will take what the logger's level lets through."""
    level = logger.getEffectiveLevel()
    current: logging.Logger | None = logger
    while current is not None:
        if any(handler.level <= level for handler in current.handlers):
            return True
        current = current.parent if current.propagate else None

    return False


def create_logger(app: Application) -> logging.Logger:
    """Return the logger named after the application, ready to write.

    In debug mode its level is DEBUG unless it has one. It gets
    ``default_handler`` only where no handler would write its messages.
    """
    logger = logging.getLogger(app.name)
    if app.debug and not logger.level:
        logger.setLevel(logging.DEBUG)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)

    return logger
