"""What is looked at once, before an application answers its first request. Knows its configuration only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costrel.core.secret_keys import check_fallbacks

__all__ = ["find_weaknesses", "is_loopback", "is_weak_key", "refuse_unfit_settings"]

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


def refuse_unfit_settings(config: Mapping[str, Any]) -> None:
    """Refuse settings with which an application must not serve.

    Raises:
        ConfigError: If ``SECRET_KEY_FALLBACKS`` is one key instead of a list.
    """
    check_fallbacks(config.get("SECRET_KEY_FALLBACKS"))


def find_weaknesses(config: Mapping[str, Any]) -> list[str]:
    """Say what an attacker could use, a sentence for each; never the value itself.

    Example:
        >>> find_weaknesses({"SECRET_KEY": "dev"})[0].partition(":")[0]
        'SECRET_KEY is easy to guess'
    """
    found = []
    keys = [config.get("SECRET_KEY"), *(config.get("SECRET_KEY_FALLBACKS") or ())]
    for name, weak in (
        ("SECRET_KEY", is_weak_key(keys[0])),
        ("SECRET_KEY_FALLBACKS", any(map(is_weak_key, keys[1:]))),
    ):
        if weak:
            found.append(
                f"{name} is easy to guess: whoever guesses it can sign in as anyone. Make a key with"
                " python -c 'import secrets; print(secrets.token_hex(32))'"
            )

    return found


def is_weak_key(key: Any) -> bool:
    """Tell whether a key is short, repetitive or published; no key at all is not weak.

    Example:
        >>> is_weak_key("dev"), is_weak_key("a" * 64), is_weak_key(None)
        (True, True, False)
    """
    if not isinstance(key, str | bytes) or not key:
        return False

    shortest = _MIN_KEY_CHARS if isinstance(key, str) else _MIN_KEY_BYTES
    text = key if isinstance(key, str) else key.decode("latin1")

    return len(key) < shortest or len(set(text)) < _MIN_DISTINCT or text in _PUBLISHED_KEYS


def is_loopback(host: str) -> bool:
    """Tell whether a well-formed host is a name of this machine only.

    Example:
        >>> is_loopback("localhost:5000"), is_loopback("shop.example")
        (True, False)
    """
    name = host if host.startswith("[") else host.partition(":")[0].lower()

    return name in ("localhost", "127.0.0.1") or name.endswith(".localhost") or name.startswith("[::1]")
