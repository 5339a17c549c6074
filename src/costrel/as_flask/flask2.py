"""What names of Flask 2 and Werkzeug 2 mean today; ``revive.py`` puts them where they were."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl as _parse
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urljoin, urlsplit, urlunsplit
from urllib.parse import urlencode as _encode

from werkzeug.datastructures import Authorization, MultiDict, iter_multi_items
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join as _safe_join

from costrel._current import current
from costrel.blueprints import Blueprint
from costrel.json.provider import DefaultJSONProvider

__all__ = [
    "JSONEncoder",
    "app_ctx_stack",
    "endpoint_from_view_func",
    "parse_authorization_header",
    "request_ctx_stack",
    "revive_app",
    "safe_join",
    "safe_str_cmp",
    "signals_available",
    "url_decode",
    "url_encode",
    "url_join",
    "url_parse",
    "url_quote",
    "url_quote_plus",
    "url_unparse",
    "url_unquote",
    "url_unquote_plus",
]

F = TypeVar("F", bound=Callable[..., Any])

signals_available = True
url_join = urljoin
url_parse = urlsplit
url_unparse = urlunsplit
url_unquote = unquote
url_unquote_plus = unquote_plus


class _Stack:
    """The stack of contexts, of which only the top can be seen."""

    def __init__(self, find: Callable[[Any], Any]) -> None:
        self._find = find

    @property
    def top(self) -> Any:
        """The current context, or ``None``."""
        ctx = current.get(None)

        return None if ctx is None else self._find(ctx)

    def push(self, ctx: Any) -> None:
        """Push a context."""
        ctx.push()

    def pop(self) -> Any:
        """Pop the current context, if there is one, and return it."""
        ctx = self.top
        if ctx is not None:
            ctx.pop()

        return ctx


app_ctx_stack = _Stack(lambda ctx: ctx)
request_ctx_stack = _Stack(lambda ctx: ctx._request_scope)


class JSONEncoder(json.JSONEncoder):
    """The encoder that ``app.json_encoder`` was derived from."""

    def default(self, o: Any) -> Any:
        """Turn a date, a decimal, a UUID, a dataclass or markup into what JSON has."""
        return DefaultJSONProvider.default(o)


class _EncoderProvider(DefaultJSONProvider):
    """Writes with an encoder class, as ``app.json_encoder`` asked for."""

    encoder: type[json.JSONEncoder] = JSONEncoder

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write JSON with the encoder."""
        kwargs.setdefault("ensure_ascii", self.ensure_ascii)
        kwargs.setdefault("sort_keys", self.sort_keys)

        return json.dumps(obj, cls=self.encoder, **kwargs)


def revive_app(cls: Any) -> None:
    """Give a class of applications, and blueprints, the attributes back that went with Flask 2."""
    if not hasattr(cls, "before_first_request"):
        cls.before_first_request = _before_first_request
        cls.got_first_request = property(lambda app: app._got_first_request)
        cls.json_encoder = property(_get_encoder, _set_encoder)
        cls.session_cookie_name = property(lambda app: app.config["SESSION_COOKIE_NAME"])
        setattr(Blueprint, "before_app_first_request", _before_app_first_request)  # noqa: B010  # checkers know no such name


def _before_first_request(app: Any, f: F) -> F:
    """Run a function once, before the first request is handled."""
    lock = Lock()
    pending = [f]

    def run_once() -> None:
        with lock:
            if pending:
                app.ensure_sync(pending.pop())()

    app.before_request_funcs.setdefault(None, []).insert(0, run_once)

    return f


def _before_app_first_request(blueprint: Blueprint, f: F) -> F:
    def register(state: Any) -> None:
        _before_first_request(state.app, f)

    blueprint.record_once(register)

    return f


def _get_encoder(app: Any) -> type[json.JSONEncoder]:
    return getattr(app.json, "encoder", JSONEncoder)


def _set_encoder(app: Any, encoder: type[json.JSONEncoder]) -> None:
    app.json = _EncoderProvider(app)
    app.json.encoder = encoder


def endpoint_from_view_func(view_func: Callable[..., Any]) -> str:
    """Return the endpoint that a view gets when none is given."""
    return view_func.__name__


def safe_join(directory: str, *pathnames: str) -> str:
    """Join a folder and names that are not trusted.

    Raises:
        NotFound: If the result would be outside of the folder.
    """
    path = _safe_join(directory, *pathnames)
    if path is None:
        raise NotFound

    return path


def safe_str_cmp(a: str | bytes, b: str | bytes) -> bool:
    """Compare in a time that does not depend on where the two differ."""
    first, second = (value.encode() if isinstance(value, str) else value for value in (a, b))

    return hmac.compare_digest(first, second)


def parse_authorization_header(value: str | None) -> Authorization | None:
    """Read an ``Authorization`` header."""
    return Authorization.from_header(value)


def url_quote(
    string: str | bytes, charset: str = "utf-8", errors: str = "strict", safe: str = "/:", unsafe: str = ""
) -> str:
    """Quote for a URL."""
    return quote(
        string, "".join(sign for sign in safe if sign not in unsafe), *_encoding(string, charset, errors)
    )


def url_quote_plus(
    string: str | bytes, charset: str = "utf-8", errors: str = "strict", safe: str = ""
) -> str:
    """Quote for a query string."""
    return quote_plus(string, safe, *_encoding(string, charset, errors))


def _encoding(string: str | bytes, charset: str, errors: str) -> tuple[str, str] | tuple[()]:
    # The standard library refuses a charset for what is bytes already.
    return (charset, errors) if isinstance(string, str) else ()


def url_encode(
    obj: Mapping[str, Any] | Iterable[tuple[str, Any]],
    charset: str = "utf-8",
    sort: bool = False,
    key: Callable[[tuple[str, Any]], Any] | None = None,
    separator: str = "&",
) -> str:
    """Write a query string; values that are ``None`` are left out."""
    items = [(name, value) for name, value in iter_multi_items(cast(Any, obj)) if value is not None]
    if sort:
        items.sort(key=cast(Any, key))

    return separator.join(_encode([item], encoding=charset) for item in items)


def url_decode(
    s: str | bytes,
    charset: str = "utf-8",
    include_empty: bool = True,
    errors: str = "replace",
    separator: str = "&",
    cls: type[Any] | None = None,
) -> Any:
    """Read a query string into a ``MultiDict``, or into an instance of ``cls``."""
    text = s.decode("ascii") if isinstance(s, bytes) else s
    items = _parse(text, include_empty, encoding=charset, errors=errors, separator=separator)

    return (cls or MultiDict)(items)
