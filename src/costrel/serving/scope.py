"""A WSGI environment made out of an ASGI scope, when somebody looks at it.

With it Werkzeug's request classes, and everything written for them, work on
both protocols. Knows no application and no lifecycle.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from costrel._missing import MISSING
from costrel.core.marks import BESIDES, PEER
from costrel.serving.scope_input import ScopeInput
from costrel.serving.sent_file import SentFile

__all__ = ["ScopeEnviron", "fill", "may_have_body", "origin_form"]

_MAX_KEPT = 512
# The environment's names by those of the wire, and the other way. Bounded, because clients choose them.
_keys: dict[bytes, str] = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
_wire: dict[str, bytes] = {"CONTENT_TYPE": b"content-type", "CONTENT_LENGTH": b"content-length"}

_plain_get, _plain_set = dict.get, dict.__setitem__


class ScopeEnviron(dict[str, Any]):
    """A WSGI environment (PEP 3333) that is worked out as far as somebody looks.

    A header is found in the scope. What needs more fills the environment,
    once; then it is a dict as any.

    Args:
        scope: The ASGI scope; it is found as ``environ["asgi.scope"]``.
        receive: Its ``receive``.
        headers: The scope's headers as a dict, if none of them came twice.

    PERF: 0.2 µs to make and 0.3 for a header, against 4 to fill with ten headers.
    """

    __slots__ = ("headers", "receive", "scope")

    def __init__(self, scope: Any, receive: Any, headers: dict[bytes, bytes] | None = None) -> None:
        self.scope = scope
        self.receive = receive
        self.headers = headers

    def _find(self, key: str) -> Any:
        """Return one value; the environment stays as it is where that is possible."""
        wire = _wire.get(key)
        if wire is None and key[:5] == "HTTP_":
            wire = _wire_of(key)
        if wire is not None:
            headers = self.headers
            if headers is None:
                sent = self.scope["headers"]
                headers = dict(sent)
                if len(headers) != len(sent):  # one came twice
                    self._fill()
                    return _plain_get(self, key, MISSING)
                self.headers = headers
            value = headers.get(wire)
            return MISSING if value is None else value.decode("latin1")
        if key == "REQUEST_METHOD":
            return self.scope["method"]
        if key == "wsgi.input":
            body = _body_of(self.scope, self.receive, self.headers)
            _plain_set(self, key, body)
            _plain_set(self, "wsgi.input_terminated", True)  # who reads the body asks next
            return body
        if key == "wsgi.input_terminated":
            return True
        if key == "werkzeug.request":
            return MISSING
        if key == "wsgi.url_scheme":
            return _SCHEMES.get(self.scope.get("scheme"), "http")
        if key == "QUERY_STRING":
            return self.scope.get("query_string", b"").decode("latin1")
        self._fill()

        return _plain_get(self, key, MISSING)

    def _fill(self) -> None:
        # The class of a dict that is full needs no code of its own.
        self.__class__ = _Filled  # pyright: ignore[reportAttributeAccessIssue]  # has the same slots
        fill(self, self.scope, self.receive)

    def __missing__(self, key: str) -> Any:
        value = self._find(key) if self.__class__ is ScopeEnviron else MISSING
        if value is MISSING:
            raise KeyError(key)

        return value

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or the default."""
        # PERF: what most ask for is a header: 0.25 µs.
        wire = _wire.get(key)
        if wire is not None and self.headers is not None:
            sent = self.headers.get(wire)
            return default if sent is None else sent.decode("latin1")
        value = _plain_get(self, key, MISSING)
        if value is MISSING:
            value = self._find(key)

        return default if value is MISSING else value

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or (isinstance(key, str) and self._find(key) is not MISSING)

    def __setitem__(self, key: str, value: Any) -> None:
        if key != "werkzeug.request":
            self._fill()
        _plain_set(self, key, value)


class _Filled(ScopeEnviron):
    """The same environment, full."""

    __slots__ = ()


def _after_filling(name: str) -> Callable[..., Any]:
    plain = getattr(dict, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.__class__ is ScopeEnviron:
            self._fill()

        return plain(self, *args, **kwargs)

    method.__name__ = name
    return method


_WHOLE = (
    *("__delitem__", "__eq__", "__iter__", "__len__", "__ne__", "__or__", "__repr__", "__reversed__"),
    *("__ror__", "__ior__", "clear", "copy", "items", "keys", "pop", "popitem", "setdefault", "update"),
    "values",
)
for _name in _WHOLE:
    setattr(ScopeEnviron, _name, _after_filling(_name))
for _name in (*_WHOLE, "__contains__", "__setitem__", "get"):
    setattr(_Filled, _name, getattr(dict, _name))


def _wire_of(key: str) -> bytes:
    """Return the name on the wire of a header's name in the environment."""
    wire = key[5:].lower().replace("_", "-").encode("latin1", "replace")
    if wire in _keys and _keys[wire][:5] != "HTTP_":
        wire = b""  # these two have names of their own in an environment
    if len(_wire) < _MAX_KEPT:
        _wire[key] = wire

    return wire


_CONSTANT = {
    "wsgi.version": (1, 0),
    "wsgi.input_terminated": True,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.file_wrapper": SentFile,
}


def fill(environ: dict[str, Any], scope: Any, receive: Any) -> None:
    """Write what WSGI asks for into an environment; what is there already stays."""
    root_path: str = scope.get("root_path") or ""
    path, raw_path = _paths(scope)
    if root_path:
        root_path = _as_wsgi(root_path.rstrip("/"))
        if path == root_path or path.startswith(root_path + "/"):
            path = path[len(root_path) :]
    server = scope.get("server") or ("localhost", 80)
    query = scope.get("query_string", b"").decode("latin1")
    uri = f"{raw_path}?{query}" if query else raw_path
    client = scope.get("client")
    body = _plain_get(environ, "wsgi.input") or _body_of(scope, receive)
    update = dict.update  # the class's own would look whether it is full
    update(environ, _CONSTANT)
    update(
        environ,
        {
            "REQUEST_METHOD": scope.get("method", "GET"),
            "SCRIPT_NAME": root_path,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_URI": uri,
            "RAW_URI": uri,
            "SERVER_NAME": str(server[0]),
            "SERVER_PORT": "" if server[1] is None else str(server[1]),
            "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
            "wsgi.url_scheme": _SCHEMES.get(scope.get("scheme"), "http"),
            "wsgi.input": body,
            "wsgi.errors": sys.stderr,
            "asgi.scope": scope,
        },
    )
    if client:
        update(environ, REMOTE_ADDR=str(client[0]), REMOTE_PORT=str(client[1]))
    if PEER in scope:
        _plain_set(environ, PEER, scope[PEER])
    if BESIDES in scope:
        update(environ, scope[BESIDES])
    _add_headers(environ, scope["headers"])


def _body_of(scope: Any, receive: Any, headers: dict[bytes, bytes] | None = None) -> ScopeInput:
    body = ScopeInput(receive)
    # Who asks for it does not wait then, nor mind the event loop.
    body.ended = not may_have_body(scope, headers)

    return body


def may_have_body(scope: Any, headers: dict[bytes, bytes] | None = None) -> bool:
    """Tell whether there is a body to read; HTTP/2 does not always announce it (RFC 9112 6.3).

    Args:
        scope: The ASGI scope.
        headers: Its headers as a dict, if they are there as one.
    """
    if scope.get("http_version", "1.1") >= "2":
        return True

    # PERF: 0.2 µs, a fifth of what looking at each takes
    names = dict(scope["headers"]) if headers is None else headers
    return b"content-length" in names or b"transfer-encoding" in names


_SCHEMES = {"https": "https", "wss": "https"}


def _paths(scope: Any) -> tuple[str, str]:
    """Return the path as WSGI carries it, and as it was sent."""
    path: str = scope["path"]
    raw: bytes | None = scope.get("raw_path")
    if path.isascii():
        return path, path if raw is None else raw.partition(b"?")[0].decode("latin1")
    if raw is None:
        return _as_wsgi(path), path
    raw = raw.partition(b"?")[0]
    sent = raw.decode("latin1")
    # The server decoded it as UTF-8 and may have lost bytes that are none.
    data = unquote_to_bytes(raw)
    if "\ufffd" in path and data.decode("utf-8", "replace") == path:
        return data.decode("latin1"), sent

    return _as_wsgi(path), sent


def _as_wsgi(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin1")


def _add_headers(environ: dict[str, Any], headers: Iterable[tuple[bytes, bytes]]) -> None:
    # PERF: 0.2 µs a header.
    has = dict.__contains__
    for name, value in headers:
        key = _keys.get(name) or _key_of(name)
        if not key:
            continue
        text = value.decode("latin1")
        if has(environ, key):  # RFC 9110 5.3; for cookies RFC 9113 8.2.3
            text = f"{_plain_get(environ, key)}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
        _plain_set(environ, key, text)


def _key_of(name: bytes) -> str:
    """Return the environment's name of a header; nothing for one that could pass for another."""
    # SECURITY: X_Forwarded_For would become what X-Forwarded-For does, behind a proxy's back.
    if b"_" in name:
        return ""

    lower = name.lower()
    key = _keys.get(lower) or "HTTP_" + lower.decode("latin1").upper().replace("-", "_")
    if len(_keys) < _MAX_KEPT:
        _keys[name] = key

    return key


def origin_form(scope: Any) -> Any:
    """Return a scope whose path is one, where a server handed over a whole URL (RFC 9112 3.2.2).

    Clients send one to proxies. The host that is named in it is left to the server; what has no
    path at all, as ``*``, stays as it is.

    Example:
        >>> origin_form({"path": "http://shop.example/cups"})
        {'path': '/cups'}
        >>> origin_form({"path": "/cups"})
        {'path': '/cups'}
    """
    scheme, colon, rest = scope["path"].partition("://")
    if not colon or not scheme.isalpha():
        return scope

    return {**scope, "path": "/" + rest.partition("/")[2]}
