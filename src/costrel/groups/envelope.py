"""How a message of a group travels between processes. Knows no network.

A byte for the kind, one for the length of the sender's token, the token, the
message. No pickle: who can write to the store must not run code here.
"""

from __future__ import annotations

__all__ = ["pack", "unpack"]


def pack(message: str | bytes, skip: str = "") -> bytes:
    """Write a message, with the token of a member that is not to get it.

    Example:
        >>> unpack(pack("hello", "a1"))
        ('hello', 'a1')
    """
    token = skip.encode("ascii")
    if isinstance(message, str):
        return b"t" + bytes([len(token)]) + token + message.encode()

    return b"b" + bytes([len(token)]) + token + message


def unpack(data: bytes) -> tuple[str | bytes, str]:
    """Read what ``pack`` wrote.

    Raises:
        ValueError: If it is something else.
    """
    if len(data) < 2 or data[:1] not in (b"t", b"b") or len(data) < 2 + data[1]:
        raise ValueError("this is no message of a group")

    end = 2 + data[1]
    token, message = data[2:end].decode("ascii"), data[end:]

    return (message.decode() if data[:1] == b"t" else message), token
