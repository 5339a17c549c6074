"""What is looked at once, before an application answers its first request. Knows its configuration only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costrel.core.base_url import read_base_url
from costrel.core.checks.finding import HOSTS_NOT_SETTLED, Level
from costrel.core.seconds import check_timeouts
from costrel.core.secret_keys import check_fallbacks, is_weak_key

__all__ = ["find_weaknesses", "is_loopback", "is_weak_key", "refuse_unfit_settings"]

_TOLD_WHEN_IT_MATTERS = frozenset((HOSTS_NOT_SETTLED,))
"""Told by the first whole URL that is built with a client's host, and not where none ever is."""


def refuse_unfit_settings(config: Mapping[str, Any]) -> None:
    """Refuse settings with which an application must not serve.

    Raises:
        ConfigError: If ``SECRET_KEY_FALLBACKS`` is one key instead of a list,
            ``BASE_URL`` is no address, a timeout no number of seconds, or
            ``TRUSTED_PROXIES`` cannot be read.
    """
    check_fallbacks(config.get("SECRET_KEY_FALLBACKS"))
    check_timeouts(config)
    if config.get("BASE_URL") is not None:
        read_base_url(config["BASE_URL"])
    if config.get("TRUSTED_PROXIES"):
        from costrel.core.proxies import DEFAULT_HEADERS, read_trust  # for cost: ipaddress, 3 ms

        read_trust(config["TRUSTED_PROXIES"], config.get("TRUSTED_PROXY_HEADERS", DEFAULT_HEADERS))


def find_weaknesses(config: Mapping[str, Any]) -> list[str]:
    """Say what an attacker could use, a line for each; never the value itself.

    These are the findings of ``costrel check`` that hold for every request.

    Example:
        >>> find_weaknesses({"SECRET_KEY": "dev"})[0].partition(":")[0]
        'SECRET_KEY is easy to guess'
    """
    from costrel.core.checks.settings import find_in_settings  # for cost: only a production start looks

    silenced = {*(config.get("SILENCED_CHECKS") or ()), *_TOLD_WHEN_IT_MATTERS}

    return [
        f"{finding.text}. {finding.hint} ({finding.id})"
        for finding in find_in_settings(config)
        if finding.level >= Level.WARNING and finding.id not in silenced
    ]


def is_loopback(host: str) -> bool:
    """Tell whether a well-formed host is a name of this machine only.

    Example:
        >>> is_loopback("localhost:5000"), is_loopback("shop.example")
        (True, False)
    """
    name = host if host.startswith("[") else host.partition(":")[0].lower()

    return name in ("localhost", "127.0.0.1") or name.endswith(".localhost") or name.startswith("[::1]")
