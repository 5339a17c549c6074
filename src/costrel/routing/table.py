"""The compiled table in front of Werkzeug's map: it answers with certainty, or not at all.

None means: ask Werkzeug. That is so for redirects, 404, 405, hosts, websockets
and all that is unusual. How an answer is found is in ``compile.py``; this
module only sees to it that it is never an old one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from costrel.routing.compile import Matcher, Routes, make_allowed, make_lacks, make_match, start_of
from costrel.routing.leaves import Match

__all__ = ["Table", "decode_path"]


def decode_path(environ: Mapping[str, Any]) -> str:
    r"""Read the path of a request as Werkzeug's ``bind_to_environ`` does.

    Example:
        >>> decode_path({"PATH_INFO": "/caf\xc3\xa9"})
        '/café'
    """
    path: str = environ.get("PATH_INFO", "/")
    if path.isascii():
        return path

    return path.encode("latin1").decode(errors="replace")


class Table:
    """Answers for a map, compiled on first use and again after each change.

    ``match(method, path)`` returns the rule and its arguments (a fresh dict,
    the caller's to keep and change), or None: ask Werkzeug. The path is
    decoded. It is for HTTP requests bound to ``map.default_subdomain``: a
    request to upgrade the connection, and an application that matches
    subdomains, go to Werkzeug.

    ``lacks(path)`` is true if it is certain that Werkzeug answers 404.
    ``allowed(method, path)`` returns the methods that the path takes, if it is
    certain that Werkzeug answers 405.
    """

    __slots__ = ("_lock", "_map", "allowed", "lacks", "match")

    match: Matcher
    lacks: Callable[[str], bool]
    allowed: Callable[[str, str], list[str] | None]

    def __init__(self, map: Routes) -> None:
        self._map = map
        self._lock = threading.RLock()
        self.forget()

    @property
    def needs_host(self) -> bool:
        """Whether matching depends on the host; ``match`` is always None then."""
        return start_of(self._map) is None

    def forget(self) -> None:
        """Drop what was compiled; the next call compiles anew."""
        with self._lock:
            self.match = self._first_match
            self.lacks = self._first_lacks
            self.allowed = self._first_allowed

    def _first_match(self, method: str, path: str) -> Match | None:
        self._compile()
        return self.match(method, path)

    def _first_lacks(self, path: str) -> bool:
        self._compile()
        return self.lacks(path)

    def _first_allowed(self, method: str, path: str) -> list[str] | None:
        self._compile()
        return self.allowed(method, path)

    def _compile(self) -> None:
        with self._lock:
            while True:
                version = self._map.version
                self._map.update()
                start = start_of(self._map)
                match = _never if start is None else make_match(self._map, start)
                lacks = _unknown if start is None else make_lacks(start)
                allowed = _never_allowed if start is None else make_allowed(start)
                if version == self._map.version:  # no other thread added a rule meanwhile
                    break
            self.match, self.lacks, self.allowed = match, lacks, allowed


def _never(method: str, path: str) -> Match | None:
    return None


def _unknown(path: str) -> bool:
    return False


def _never_allowed(method: str, path: str) -> list[str] | None:
    return None
