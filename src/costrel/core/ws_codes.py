"""Close codes of RFC 6455, and the two errors that carry them. Knows no connection."""

from __future__ import annotations

__all__ = [
    "BAD_DATA",
    "GOING_AWAY",
    "INTERNAL_ERROR",
    "NORMAL",
    "NO_STATUS",
    "POLICY",
    "PROTOCOL_ERROR",
    "RESTART",
    "TOO_BIG",
    "UNSUPPORTED",
    "VANISHED",
    "WebSocketDisconnect",
    "WebSocketMessageError",
    "check_close",
    "code_for_status",
    "is_sendable",
    "short_reason",
]

NORMAL = 1_000
GOING_AWAY = 1_001
PROTOCOL_ERROR = 1_002
UNSUPPORTED = 1_003
NO_STATUS = 1_005
"""The other side closed without a code; never sent."""

VANISHED = 1_006
"""The connection broke without a close; never sent."""

BAD_DATA = 1_007
POLICY = 1_008
TOO_BIG = 1_009
INTERNAL_ERROR = 1_011
RESTART = 1_012

_NEVER_SENT = frozenset((1_004, NO_STATUS, VANISHED, 1_015))
_MAX_REASON_BYTES = 123
"""RFC 6455 5.5: a control frame carries 125 bytes, two of them the code."""


class WebSocketDisconnect(Exception):
    """The connection is over, so there is nothing to receive and nobody to send to.

    A handler may let it through: that ends it, and is no error.

    Args:
        code: The close code; 1005 if none was sent, 1006 if the client vanished.
        reason: The text that came with it.

    Example:
        >>> WebSocketDisconnect(1001, "page left")
        WebSocketDisconnect(1001, 'page left')
    """

    def __init__(self, code: int = NO_STATUS, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"closed with {self.code}{f': {self.reason}' if self.reason else ''}"


class WebSocketMessageError(ValueError):
    """A message of the client cannot be used.

    A handler may catch it and go on; if it lets it through, the connection is
    closed with the code, and nothing is logged: it is no fault of the server.

    Args:
        code: 1003 for a kind of message that is not expected, 1007 for one
            that is malformed.
        reason: What was expected; the client gets to see it.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def is_sendable(code: int) -> bool:
    """Tell whether a close frame may carry a code (RFC 6455 7.4).

    Example:
        >>> [code for code in (999, 1000, 1005, 1006, 1014, 2999, 3000, 4999, 5000) if is_sendable(code)]
        [1000, 1014, 3000, 4999]
    """
    return (1_000 <= code <= 1_014 and code not in _NEVER_SENT) or 3_000 <= code <= 4_999


def check_close(code: int, reason: str) -> None:
    """Refuse a close that cannot be sent.

    Raises:
        ValueError: If the code is none that may be sent, or the reason is
            longer than 123 bytes.
    """
    if not is_sendable(code):
        raise ValueError(
            f"the close code {code!r} cannot be sent\n"
            "  hint: Use 1000, or 3000 to 4999 for codes of your own."
        )
    if len(reason.encode()) > _MAX_REASON_BYTES:
        raise ValueError(f"the reason of a close has at most {_MAX_REASON_BYTES} bytes, got {reason!r}")


def short_reason(text: str) -> str:
    """Cut a text so that a close frame can carry it.

    Example:
        >>> len(short_reason("é" * 100).encode())
        122
    """
    return text.encode()[:_MAX_REASON_BYTES].decode("utf-8", "ignore")


def code_for_status(status: int | None) -> int:
    """Return the close code that says what an HTTP status would have.

    Example:
        >>> code_for_status(403), code_for_status(413), code_for_status(500)
        (1008, 1009, 1011)
    """
    if status == 413:
        return TOO_BIG
    if status is not None and 400 <= status < 500:
        return POLICY

    return INTERNAL_ERROR
