"""JSON with the current application's provider; without one, as the standard library does it."""

from __future__ import annotations

import json as _json
from typing import IO, Any

from costrel import _current
from costrel.json._values import default as _default

__all__ = ["dump", "dumps", "jsonify", "load", "loads"]


def dumps(obj: Any, **kwargs: Any) -> str:
    """Write an object as JSON text.

    Args:
        obj: The object.
        kwargs: For the provider's ``dumps``; outside of a context for ``json.dumps``.

    Example:
        >>> import datetime
        >>> dumps({"day": datetime.date(2026, 11, 21)})
        '{"day": "Sat, 21 Nov 2026 00:00:00 GMT"}'
    """
    ctx = _current.current.get(None)
    if ctx is not None:
        return ctx.app.json.dumps(obj, **kwargs)  # type: ignore[no-any-return]  # the app's own provider

    kwargs.setdefault("default", _default)
    return _json.dumps(obj, **kwargs)


def dump(obj: Any, fp: IO[str], **kwargs: Any) -> None:
    """Write an object as JSON text to a file; arguments as for ``dumps``."""
    ctx = _current.current.get(None)
    if ctx is not None:
        ctx.app.json.dump(obj, fp, **kwargs)
    else:
        kwargs.setdefault("default", _default)
        _json.dump(obj, fp, **kwargs)


def loads(s: str | bytes, **kwargs: Any) -> Any:
    """Read JSON text.

    Args:
        s: Text, or bytes in UTF-8, UTF-16 or UTF-32.
        kwargs: For the provider's ``loads``; outside of a context for ``json.loads``.
    """
    ctx = _current.current.get(None)
    if ctx is not None:
        return ctx.app.json.loads(s, **kwargs)

    return _json.loads(s, **kwargs)


def load(fp: IO[Any], **kwargs: Any) -> Any:
    """Read JSON text from a file; arguments as for ``loads``."""
    ctx = _current.current.get(None)
    if ctx is not None:
        return ctx.app.json.load(fp, **kwargs)

    return _json.load(fp, **kwargs)


def jsonify(*args: Any, **kwargs: Any) -> Any:
    """Answer with JSON, from a view.

    One argument is the value; several are a list; keyword arguments are an
    object. A dict or a list can be returned from a view as it is.

    Returns:
        An ``app.response_class``; ``Any``, because the class is the application's.
    """
    return _current.require_context("jsonify()").app.json.response(*args, **kwargs)
