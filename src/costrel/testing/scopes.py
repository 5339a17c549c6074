"""What tests are written with, WSGI environments and headers, as ASGI has it, and back.

Knows no application and no event loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from werkzeug.datastructures import Headers

from costrel.core.lifespan import TEST_MARK
from costrel.core.marks import BESIDES, PRESERVE

__all__ = ["http_scope", "read_headers", "websocket_scope"]

_SAID_BY_SCOPE = frozenset(
    (
        *("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI", "RAW_URI"),
        *("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "REMOTE_PORT"),
        *("CONTENT_TYPE", "CONTENT_LENGTH"),
        *("wsgi.version", "wsgi.url_scheme", "wsgi.input", "wsgi.input_terminated"),
        *("wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once"),
    )
)
# As servers leave them when they pass a path on: RFC 3986's unreserved characters, and delimiters in a path.
_KEPT_IN_PATH = "/~!$&'()*+,;=:@"
_CLIENT_PORT = 50_000
_WRITTEN_OTHERWISE = {"Etag": "ETag", "Www-Authenticate": "WWW-Authenticate", "Te": "TE", "Dnt": "DNT"}


def http_scope(environ: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scope of the request that an environment describes.

    What a scope has no place for (``REMOTE_USER``, a test's own keys) stands
    in it under ``costrel.environ``, and is in the environment that the
    application makes of it.

    Example:
        >>> from werkzeug.test import create_environ
        >>> scope = http_scope(create_environ("/caf\u00e9?page=2"))
        >>> scope["raw_path"], scope["query_string"], scope["headers"]
        (b'/caf%C3%A9', b'page=2', [(b'host', b'localhost')])
    """
    return {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        **_common(environ, environ["wsgi.url_scheme"]),
    }


def websocket_scope(environ: Mapping[str, Any], subprotocols: Iterable[str]) -> dict[str, Any]:
    """Return the scope of a WebSocket's handshake.

    Args:
        environ: The environment of a GET to the same address.
        subprotocols: What the client offers, the favourite first.

    Example:
        >>> from werkzeug.test import create_environ
        >>> websocket_scope(create_environ("/ws", "https://shop.test"), ["chat"])["scheme"]
        'wss'
    """
    scope = _common(environ, "wss" if environ["wsgi.url_scheme"] in ("https", "wss") else "ws")
    offered = list(subprotocols)
    if offered:
        scope["headers"].append((b"sec-websocket-protocol", ", ".join(offered).encode("latin1")))

    return {
        "type": "websocket",
        "subprotocols": offered,
        "extensions": {"websocket.http.response": {}},
        **scope,
    }


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers of a response; names, which ASGI has in lower case, are written as usual.

    Example:
        >>> read_headers([(b"content-type", b"text/plain"), (b"etag", b'"x"')]).to_wsgi_list()
        [('Content-Type', 'text/plain'), ('ETag', '"x"')]
    """
    found = Headers()
    for name, value in headers:
        usual = name.decode("latin1").title()
        found.add(_WRITTEN_OTHERWISE.get(usual, usual), value.decode("latin1"))

    return found


def _common(environ: Mapping[str, Any], scheme: str) -> dict[str, Any]:
    root_path = environ.get("SCRIPT_NAME", "").rstrip("/").encode("latin1")
    path = environ.get("PATH_INFO", "").encode("latin1")
    if root_path and path and not path.startswith(b"/"):
        path = b"/" + path  # "cart" for "/cart" in a test; behind a root it would become a part of that
    path = root_path + path
    address = environ.get("REMOTE_ADDR")
    port = str(environ.get("SERVER_PORT", ""))
    besides = {
        key: value
        for key, value in environ.items()
        if key not in _SAID_BY_SCOPE and not (key[:5] == "HTTP_" and isinstance(value, str))
    }
    scope = {
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": str(environ.get("SERVER_PROTOCOL", "HTTP/1.1")).removeprefix("HTTP/"),
        "scheme": scheme,
        "path": path.decode("utf-8", "replace"),
        "raw_path": quote(path, safe=_KEPT_IN_PATH).encode("ascii"),
        "query_string": str(environ.get("QUERY_STRING", "")).encode("latin1"),
        "root_path": root_path.decode("utf-8", "replace"),
        "headers": _headers(environ),
        "client": (address, int(environ.get("REMOTE_PORT") or _CLIENT_PORT)) if address else None,
        "server": (environ.get("SERVER_NAME", "localhost"), int(port) if port.isdecimal() else None),
        "state": {},
        BESIDES: besides,
    }
    for key in (TEST_MARK, PRESERVE):
        if key in besides:
            scope[key] = besides[key]

    return scope


def _headers(environ: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    found = [
        (key[5:], value) for key, value in environ.items() if key[:5] == "HTTP_" and isinstance(value, str)
    ]
    found += [(key, str(environ[key])) for key in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(key)]

    return [
        (name.lower().replace("_", "-").encode("latin1"), value.encode("latin1")) for name, value in found
    ]
