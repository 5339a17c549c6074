"""JSON as an application writes and reads it; replace ``app.json`` to change it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import IO, Any

from costrel.core.contracts import Application
from costrel.core.plain_response import quick_reply
from costrel.json._read import read
from costrel.json._values import default as _default
from costrel.json._write import write, write_bytes, write_with

__all__ = ["DefaultJSONProvider", "JSONProvider", "json_reply"]

_COMPACT = {"separators": (",", ":")}


class JSONProvider:
    """The operations on JSON that an application needs.

    A subclass gives ``dumps`` and ``loads``. Set it as ``json_provider_class``
    of the application's class, or an instance as ``app.json``.

    Args:
        app: The application.
    """

    def __init__(self, app: Application) -> None:
        # A proxy, because the application holds the provider.
        self._app: Any = weakref.proxy(app)
        # PERF: a proxy costs 60 ns at each attribute, asking the reference once 30.
        self._app_reference: Any = weakref.ref(app)

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write an object as JSON text.

        Args:
            obj: The object.
            kwargs: The provider's own.
        """
        raise NotImplementedError

    def dump(self, obj: Any, fp: IO[str], **kwargs: Any) -> None:
        """Write an object as JSON text to a file."""
        fp.write(self.dumps(obj, **kwargs))

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read JSON text.

        Args:
            s: Text, or bytes in UTF-8.
            kwargs: The provider's own.
        """
        raise NotImplementedError

    def load(self, fp: IO[Any], **kwargs: Any) -> Any:
        """Read JSON text from a file."""
        return self.loads(fp.read(), **kwargs)

    def _prepare_response_obj(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args and kwargs:
            raise TypeError(
                f"app.json.response() takes either args or kwargs, not both:"
                f" got {len(args)} and {', '.join(kwargs)}"
            )
        if len(args) == 1:
            return args[0]

        return args or kwargs or None

    def response(self, *args: Any, **kwargs: Any) -> Any:
        """Make a response of one value, of a list, or of keyword arguments.

        Returns:
            An ``app.response_class``; ``Any``, because the class is the application's.
        """
        obj = self._prepare_response_obj(args, kwargs)

        return self._app.response_class(self.dumps(obj), mimetype="application/json")


class DefaultJSONProvider(JSONProvider):
    """JSON as Python's ``json`` writes it, several times faster.

    The attributes can be changed at any time, on the class or the instance.
    NaN and infinities are written as ``null`` and refused when read.
    """

    default: Callable[[Any], Any] = staticmethod(_default)
    """Turns a value of an unknown type into a known one, or raises ``TypeError``.

    PERF: with another than this one the standard library writes, which takes
    ten times as long for a large answer; orjson would not ask it about enums.
    """

    ensure_ascii: bool = True
    r"""Write ``\u00e9`` for ``é``: safe in whatever encoding a client guesses."""

    sort_keys: bool = True
    """Sort by key, so that equal answers are equal bytes for caches."""

    compact: bool | None = None
    """No spaces and lines in responses; ``None``: compact unless in debug mode."""

    mimetype: str = "application/json"
    """The type of responses."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write an object as JSON text.

        Args:
            obj: The object.
            kwargs: As for ``json.dumps``.
        """
        convert = self.default
        sort_keys = self.sort_keys
        ensure_ascii = self.ensure_ascii
        if convert is _default and (not kwargs or kwargs == _COMPACT):
            if kwargs:
                out = write_bytes(obj, sort_keys, ensure_ascii, False)
                if out is not None:
                    return out[:-1].decode()

            return write(
                obj, sort_keys=bool(sort_keys), ensure_ascii=bool(ensure_ascii), compact=bool(kwargs)
            )

        kwargs.setdefault("default", convert)
        kwargs.setdefault("sort_keys", sort_keys)
        kwargs.setdefault("ensure_ascii", ensure_ascii)

        return write_with(obj, kwargs)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read JSON text.

        Args:
            s: Text, or bytes in UTF-8, UTF-16 or UTF-32.
            kwargs: As for ``json.loads``.

        Raises:
            json.JSONDecodeError: If it is no JSON, or nested too deeply.
        """
        return read(s, kwargs)

    def response(self, *args: Any, **kwargs: Any) -> Any:
        """Make a response of one value, of a list, or of keyword arguments.

        Returns:
            An ``app.response_class``; ``Any``, because the class is the application's.
        """
        return self._reply(self._prepare_response_obj(args, kwargs))

    def _reply(self, obj: Any) -> Any:
        app = self._app_reference()
        compact = self.compact
        if compact is None:
            compact = not app.debug

        out: bytes | str | None = None
        # A dumps of the user's own must be asked.
        if type(self).dumps is _DUMPS and "dumps" not in self.__dict__ and self.default is _default:
            out = write_bytes(obj, self.sort_keys, self.ensure_ascii, not compact)
        if out is None:
            options: dict[str, Any] = {"separators": (",", ":")} if compact else {"indent": 2}
            out = f"{self.dumps(obj, **options)}\n"

        return quick_reply(app.response_class, out, self.mimetype)


_DUMPS = DefaultJSONProvider.dumps
_RESPONSE = DefaultJSONProvider.response


def json_reply(provider: Any, obj: Any) -> Any:
    r"""Make what ``provider.response(obj)`` makes, of any provider.

    PERF: calling what takes any arguments costs 0.15 µs.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> json_reply(app.json, {"a": 1}).data
        b'{"a":1}\n'
    """
    if (
        type(provider) is DefaultJSONProvider
        and DefaultJSONProvider.response is _RESPONSE
        and "response" not in provider.__dict__
    ):
        return provider._reply(obj)

    return provider.response(obj)
