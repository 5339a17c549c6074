"""Secret keys: making them, checking them, and the order in which they sign. Knows no signature."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

from costrel.errors import ConfigError

__all__ = ["check_fallbacks", "generate_key", "sha1", "signing_keys"]


def sha1(string: bytes = b"") -> Any:
    """Return a SHA-1 hash; looked up when called, as FIPS builds lack it.

    In an HMAC it is sound; it is what Flask's session cookies are signed with.
    """
    return hashlib.sha1(string)


def generate_key() -> str:
    """Return a fresh random key, as text to paste into a configuration."""
    return secrets.token_hex(32)


def signing_keys(secret_key: str | bytes, fallbacks: Iterable[str | bytes] | None) -> list[str | bytes]:
    """Return the keys in ItsDangerous' order: the last signs, all verify.

    Args:
        secret_key: The current key.
        fallbacks: Earlier keys. Who learns one can forge texts, until it is
            taken out of the list.

    Raises:
        ConfigError: If ``fallbacks`` is one key instead of a list; its
            characters would each become a key that anyone can guess.

    Example:
        >>> signing_keys("new", ["oldest", "old"])
        ['oldest', 'old', 'new']
    """
    check_fallbacks(fallbacks)

    return [*(fallbacks or ()), secret_key]


def check_fallbacks(fallbacks: Any) -> None:
    """Refuse ``SECRET_KEY_FALLBACKS`` that are no list.

    Raises:
        ConfigError: If they are one key.
    """
    if isinstance(fallbacks, str | bytes | bytearray):
        raise ConfigError(
            f"SECRET_KEY_FALLBACKS must be a list of keys, got one {type(fallbacks).__name__}",
            hint='Write SECRET_KEY_FALLBACKS = ["…"], with the brackets.',
        )
