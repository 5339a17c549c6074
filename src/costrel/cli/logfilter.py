"""The development server's log made readable. Knows no application."""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import IO, Any

__all__ = ["TerminalFilter", "watch_server_log"]

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_NOISE = (" * Debugger is active!",)
"""It follows the message of an application that is broken, too, and the PIN's line says the same."""


class TerminalFilter(logging.Filter):
    """Take colours out of the server's log where nobody sees them, and lines that say nothing.

    Args:
        stream: Where the log ends up.
    """

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        self.plain = not stream.isatty() or bool(os.environ.get("NO_COLOR"))

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place; refuse one that is noise."""
        if record.msg in _NOISE:
            return False
        if self.plain:
            record.msg = _plain(record.msg)
            if isinstance(record.args, tuple):
                record.args = tuple(_plain(argument) for argument in record.args)

        return True


def watch_server_log() -> None:
    """Put a ``TerminalFilter`` on Werkzeug's log, unless the application set up one itself."""
    log = logging.getLogger("werkzeug")
    if not any(isinstance(old, TerminalFilter) for old in log.filters):
        log.addFilter(TerminalFilter(sys.stderr))


def _plain(value: Any) -> Any:  # Any: an argument of a log line
    return _ANSI.sub("", value) if isinstance(value, str) else value
