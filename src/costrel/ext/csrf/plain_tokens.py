"""Tokens as Flask-WTF makes them: a session's secret, signed but not masked. They are read, never made.

Pages that it sent before a port have them, and so have forms of other extensions
that are built on it. Knows no session, request or clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

from costrel.ext.csrf.errors import token_error
from costrel.ext.csrf.tokens import Key, is_secret

__all__ = ["is_plain_token", "read_plain_token"]

_SALT = "wtf-csrf-token"
_MAX_CHARS = 512


# Any: what a client sent, or a view was given.
def is_plain_token(token: Any) -> TypeGuard[str]:
    """Tell whether a text may be such a token; none of ours has a dot in it.

    Example:
        >>> is_plain_token("InNlY3JldCI.aR3xGA.signature"), is_plain_token("AGkd8Rg=")
        (True, False)
    """
    return isinstance(token, str) and len(token) <= _MAX_CHARS and token.count(".") >= 2


def read_plain_token(token: str, *, keys: Sequence[Key], now: float, max_age: float | None) -> bytes:
    """Return the secret that a token was made for.

    Args:
        token: One that ``is_plain_token``.
        keys: Any of them may have signed it.
        now: Seconds since the epoch.
        max_age: How many seconds it is good for; ``None``: for ever.

    Raises:
        TokenError: If it was not made with these keys, or is too old.
    """
    # For cost: whose pages have only tokens of ours needs none of it.
    from itsdangerous import BadData, URLSafeTimedSerializer

    all_keys = [key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key for key in keys]
    try:
        secret, made_at = URLSafeTimedSerializer(all_keys, salt=_SALT).loads(token, return_timestamp=True)
    except BadData:
        raise token_error("The CSRF token is invalid.") from None
    if not is_secret(secret):
        raise token_error("The CSRF token is invalid.")
    if max_age is not None and int(now) - int(made_at.timestamp()) > max_age:
        raise token_error("The CSRF token has expired.")

    return secret.encode("utf-8", "surrogatepass")
