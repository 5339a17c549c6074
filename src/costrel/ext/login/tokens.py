"""Signed ids, as remember cookies carry them. Knows no application and no clock.

``"<id>|<hex digest>"`` is Flask-Login's form: the same for each login, and
good until the key changes. ``"<id>|<issued>.<ends>.<number>|<hex digest>"``
is ours: it ends, and one login can be told from another.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

__all__ = ["LoginToken", "key_bytes", "read_login_token", "read_token", "sign", "sign_login_token"]

_LOGIN = re.compile(
    r"(?P<user_id>.*)\|(?P<issued>\d{1,20})\.(?P<ends>\d{1,15})\.(?P<number>[\w-]{8,64})", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class LoginToken:
    """What a remember cookie says."""

    user_id: str
    issued: int
    """When the login was, in microseconds since 1970; 0 in Flask-Login's form, which does not say."""

    ends: int | None
    """When it is over, in seconds since 1970; ``None`` in Flask-Login's form: never."""

    number: str
    """Random, and of this login alone; of Flask-Login's form a digest, the same for each login of a user."""


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
        '7|390bea63'
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


def sign_login_token(token: LoginToken, *, key: bytes) -> str:
    """Return the text of a token in our form.

    Args:
        token: One with an end.
        key: As for ``sign``.
    """
    payload = f"{token.user_id}|{token.issued}.{token.ends}.{token.number}"

    return f"{payload}|{_login_digest(payload, key)}"


def read_login_token(text: str, *, keys: Iterable[bytes], now: float) -> LoginToken | None:
    """Return the token in a text, of either form; ``None`` if it is over, or none of the keys signed it.

    Args:
        text: What the browser sent.
        keys: As for ``read_token``.
        now: The time in seconds since 1970.

    Example:
        >>> token = LoginToken("7", issued=0, ends=60, number="12345678")
        >>> text = sign_login_token(token, key=b"k")
        >>> read_login_token(text, keys=[b"k"], now=59) == token
        True
        >>> read_login_token(text, keys=[b"k"], now=60) is None
        True
    """
    keys = list(keys)
    payload, _, digest = text.rpartition("|")
    parts = _LOGIN.fullmatch(payload)
    if parts is not None and _is_signed(payload, digest, keys):
        ends = int(parts["ends"])
        return (
            None if ends <= now else LoginToken(parts["user_id"], int(parts["issued"]), ends, parts["number"])
        )

    user_id = read_token(text, keys=keys)

    return None if user_id is None else LoginToken(user_id, 0, None, sha256(text.encode()).hexdigest())


def _is_signed(payload: str, digest: str, keys: list[bytes]) -> bool:
    sent = digest.encode("utf-8", "replace")

    return any(hmac.compare_digest(_login_digest(payload, key).encode("ascii"), sent) for key in keys)


def _login_digest(payload: str, key: bytes) -> str:
    # SECURITY: a key of its own, or an id that somebody chose could read as the other form.
    own = hmac.digest(key, b"costrel.ext.login", "sha256")

    return hmac.new(own, payload.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def _digest(payload: str, key: bytes) -> str:
    return hmac.new(key, payload.encode("utf-8", "surrogatepass"), "sha512").hexdigest()
