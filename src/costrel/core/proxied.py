"""Write what trusted proxies say of a request into its environment or scope. Knows no application.

Done before anything else looks at the request, once: an application that is
mounted in another one finds it done.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from werkzeug.exceptions import SecurityError

from costrel.core.hosts import read_host
from costrel.core.marks import PEER
from costrel.core.proxies import HEADERS, Origin, Trust

__all__ = ["rewrite_environ", "rewrite_scope"]

_KEYS = {name: "HTTP_" + name.upper().replace("-", "_") for name in HEADERS}
_USUAL_PORT = {"http": "80", "https": "443"}


def rewrite_environ(trust: Trust, environ: MutableMapping[str, Any]) -> None:
    """Let a WSGI environment say what the client asked the outermost proxy for.

    Example:
        >>> from costrel.core.proxies import read_trust
        >>> environ = {"REMOTE_ADDR": "10.0.0.2", "HTTP_X_FORWARDED_FOR": "203.0.113.7"}
        >>> rewrite_environ(read_trust(1), environ)
        >>> environ["REMOTE_ADDR"]
        '203.0.113.7'
    """
    if PEER in environ:
        return

    peer = environ.get("REMOTE_ADDR")
    environ[PEER] = peer
    origin = trust.find_origin(peer, lambda name: environ.get(_KEYS[name]))
    if origin is None:
        return

    if origin.address is not None:
        environ["REMOTE_ADDR"] = origin.address
        environ.pop("REMOTE_PORT", None)
        if origin.port is not None:
            environ["REMOTE_PORT"] = origin.port
    if origin.scheme is not None:
        environ["wsgi.url_scheme"] = origin.scheme
    scheme = environ.get("wsgi.url_scheme", "http")
    host = _public_host(origin, scheme, environ.get("HTTP_HOST"))
    if host is not None:
        environ["HTTP_HOST"] = host
        environ["SERVER_NAME"], port = _split(host)
        environ["SERVER_PORT"] = port or _USUAL_PORT.get(scheme, "80")
    if origin.prefix:
        environ["SCRIPT_NAME"] = origin.prefix + environ.get("SCRIPT_NAME", "")


def rewrite_scope(trust: Trust, scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return an ASGI scope that says what the client asked the outermost proxy for.

    Args:
        trust: Whom to believe.
        scope: Of a request or a WebSocket; any other is returned as it is.
            It is not changed.
    """
    if scope["type"] not in ("http", "websocket") or PEER in scope:
        return scope

    client = scope.get("client")
    peer = client[0] if client else None
    sent: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin1").lower()
        if key == "forwarded" or key == "host" or key.startswith("x-forwarded-"):
            text = value.decode("latin1")
            sent[key] = f"{sent[key]},{text}" if key in sent else text
    scope = {**scope, PEER: peer}
    origin = trust.find_origin(peer, lambda name: sent.get(name.lower()))
    if origin is None:
        return scope

    if origin.address is not None:
        scope["client"] = (origin.address, int(origin.port or 0))
    scheme = origin.scheme or {"wss": "https", "ws": "http"}.get(scope.get("scheme", ""), scope.get("scheme"))
    scheme = scheme or "http"
    if origin.scheme is not None:
        scope["scheme"] = scheme.replace("http", "ws") if scope["type"] == "websocket" else scheme
    host = _public_host(origin, scheme, sent.get("host"))
    if host is not None:
        rest = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
        scope["headers"] = [(b"host", host.encode("latin1")), *rest]
        bare, port = _split(host)
        scope["server"] = (bare, int(port or _USUAL_PORT.get(scheme, "80")))
    if origin.prefix:
        _put_prefix(scope, origin.prefix)

    return scope


def _put_prefix(scope: MutableMapping[str, Any], prefix: str) -> None:
    # The proxy took the prefix off the path; in a scope the path includes the root.
    scope["root_path"] = prefix + (scope.get("root_path") or "")
    scope["path"] = prefix + scope["path"]
    if scope.get("raw_path"):
        scope["raw_path"] = prefix.encode("latin1") + scope["raw_path"]


def _public_host(origin: Origin, scheme: str, header: str | None) -> str | None:
    """Return the ``Host`` header that the client sent to the outermost proxy; ``None`` to leave it."""
    if origin.host is None and origin.host_port is None:
        return None

    host = origin.host
    if host is None:
        try:
            host = read_host(scheme, header or "")
        except SecurityError:
            host = ""
        if not host:
            return None
    if origin.host_port is None:
        return host

    bare, _ = _split(host)
    return bare if origin.host_port == _USUAL_PORT.get(scheme) else f"{bare}:{origin.host_port}"


def _split(host: str) -> tuple[str, str]:
    """Split a well-formed host into name and port."""
    name, bracket, rest = host.partition("]")
    if bracket:
        return name + bracket, rest.removeprefix(":")
    name, _, port = host.partition(":")

    return name, port
