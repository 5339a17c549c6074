"""Secret keys: making them, checking them, and the order in which they sign. Knows no signature."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Any

from costrel.errors import ConfigError

__all__ = ["check_fallbacks", "generate_key", "is_for_development", "is_weak_key", "sha1", "signing_keys"]

# 128 bits: what secrets.token_urlsafe(16) and os.urandom(16) give.
_MIN_KEY_CHARS = 22
_MIN_KEY_BYTES = 16
_MIN_DISTINCT = 8
# Keys from documentation, which attackers try first.
_PUBLISHED_KEYS = frozenset(
    (
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
        '_5#y2L"F4Q8z\n\xec]/',
        "A0Zr98j/3yX R~XHH!jmN]LWX/,?RT",
    )
)
# What is written in front of, or instead of, a key that is not for visitors.
_MARKS = (
    r"(?:django-)?insecure[-_ ]|dev(?:elopment)?[-_ ]|test(?:ing)?[-_ ]|example[-_ ]|change[-_ ]?(?:me|this)"
    r"|your[-_ ]|secret[-_ ]|replace[-_ ]|not[-_ ]|do[-_ ]not|super[-_ ]?secret|a[-_ ](?:very|long|key)"
)


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


def is_weak_key(key: Any) -> bool:
    """Tell whether a key is short, repetitive or published; no key at all is not weak.

    Example:
        >>> is_weak_key("dev"), is_weak_key("a" * 64), is_weak_key(None)
        (True, True, False)
    """
    if not isinstance(key, str | bytes) or not key:
        return False

    shortest = _MIN_KEY_CHARS if isinstance(key, str) else _MIN_KEY_BYTES
    text = _as_text(key)

    return len(key) < shortest or len(set(text)) < _MIN_DISTINCT or text in _PUBLISHED_KEYS


def is_for_development(key: Any) -> bool:
    """Tell whether a key says by its first word that it was not made for visitors.

    Example:
        >>> is_for_development("change-me-before-you-deploy-this"), is_for_development("d2b1f0a8c96e47f3a5b4")
        (True, False)
    """
    return isinstance(key, str | bytes) and _is_marked(_as_text(key))


def _is_marked(text: str) -> bool:
    # PERF: compiled where it is used; that takes 1 ms of a start.
    return re.match(_MARKS, text, re.ASCII | re.IGNORECASE) is not None


def _as_text(key: str | bytes) -> str:
    return key if isinstance(key, str) else key.decode("latin1")
