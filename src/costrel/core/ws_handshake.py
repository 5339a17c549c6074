"""The opening handshake of a WebSocket over HTTP/1.1 (RFC 6455 4.2). Knows no socket."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from werkzeug.exceptions import BadRequest, HTTPException

__all__ = ["UpgradeRequired", "accepting", "is_upgrade", "offered_subprotocols", "read_key"]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class UpgradeRequired(HTTPException):
    """The client speaks another version of the protocol."""

    code = 426
    description = "This server speaks version 13 of the WebSocket protocol."

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Return the headers, with the version that would do."""
        return [*super().get_headers(*args, **kwargs), ("Sec-WebSocket-Version", "13")]


def is_upgrade(environ: Mapping[str, Any]) -> bool:
    """Tell whether a request asks for a WebSocket.

    Example:
        >>> is_upgrade({"HTTP_UPGRADE": "WebSocket", "HTTP_CONNECTION": "keep-alive, Upgrade"})
        True
    """
    return environ.get("HTTP_UPGRADE", "").lower() == "websocket" and "upgrade" in _tokens(
        environ.get("HTTP_CONNECTION", "").lower()
    )


def read_key(environ: Mapping[str, Any]) -> str:
    """Return the key of a handshake.

    Raises:
        BadRequest: If the request is malformed.
        UpgradeRequired: If the client speaks another version.
    """
    if environ.get("REQUEST_METHOD") != "GET" or environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        raise BadRequest("A WebSocket is opened by a GET request of HTTP/1.1.")
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != "13":
        raise UpgradeRequired()

    key: str = environ.get("HTTP_SEC_WEBSOCKET_KEY", "").strip()
    try:
        decoded = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != 16:
        raise BadRequest("The key of the WebSocket is malformed.")

    return key


def offered_subprotocols(environ: Mapping[str, Any]) -> list[str]:
    """Return the subprotocols that a client offers, the one it likes best first."""
    return _tokens(environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", ""))


def accepting(key: str, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write the response that completes a handshake.

    Args:
        key: The client's key.
        subprotocol: What was agreed on.
        headers: More headers, without line breaks.

    Example:
        >>> accepting("dGhlIHNhbXBsZSBub25jZQ==", None, ()).splitlines()[3]
        b'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='
    """
    # RFC 6455 1.3; SHA-1 only shows that the server read the key.
    digest = hashlib.sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest),
    ]
    if subprotocol is not None:
        lines.append(b"Sec-WebSocket-Protocol: " + subprotocol.encode("latin1"))
    lines += [name + b": " + value for name, value in headers]

    return b"\r\n".join([*lines, b"", b""])


def _tokens(text: str) -> list[str]:
    return [token for part in text.split(",") if (token := part.strip())]
