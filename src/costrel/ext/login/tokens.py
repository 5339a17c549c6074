"""Signed ids, as the remember cookie carries them: ``"<id>|<hex digest>"``. Knows no application.

The form is Flask-Login's, so that cookies it has set stay good.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

__all__ = ["key_bytes", "read_token", "sign"]


def key_bytes(key: str | bytes) -> bytes:
    """Return a key as bytes.

    Args:
        key: Text is taken as Latin-1, as Flask-Login does, else as UTF-8.
    """
    if isinstance(key, bytes):
        return key
    try:
        return key.encode("latin1")
    except UnicodeEncodeError:
        return key.encode("utf-8")


def sign(payload: str, *, key: bytes) -> str:
    """Return a token for a text.

    Args:
        payload: Everybody can read it in the token.
        key: Who knows it can make a token for any user.

    Example:
        >>> sign("7", key=b"a key")[:10]
        '7|91c34df5'
    """
    return f"{payload}|{_digest(payload, key)}"


def read_token(token: str, *, keys: Iterable[bytes]) -> str | None:
    """Return the text of a token; ``None`` if none of the keys signed it.

    Args:
        token: What the browser sent.
        keys: The key, and those used before it.

    Example:
        >>> token = sign("7", key=b"old")
        >>> read_token(token, keys=[b"new", b"old"]), read_token(token, keys=[b"new"])
        ('7', None)
    """
    payload, separator, digest = token.rpartition("|")
    if not separator:
        return None

    # Bytes: compare_digest fails at texts that are not ASCII. What cannot be encoded was signed by nobody.
    sent = digest.encode("utf-8", "replace")
    for key in keys:
        if hmac.compare_digest(_digest(payload, key).encode("ascii"), sent):
            return payload

    return None


def _digest(payload: str, key: bytes) -> str:
    return hmac.new(key, payload.encode("utf-8", "surrogatepass"), "sha512").hexdigest()
