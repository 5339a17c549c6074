"""Settings that are a number of seconds. Knows no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from costrel.errors import ConfigError

__all__ = ["check_seconds", "check_timeouts"]


def check_timeouts(config: Mapping[str, Any]) -> None:
    """Refuse timeouts that are none.

    Raises:
        ConfigError: If one is not a number of seconds.
    """
    for name in ("REQUEST_TIMEOUT", "BODY_TIMEOUT"):
        if config.get(name) is not None:
            check_seconds(name, config[name])
    if config.get("BACKGROUND_TASK_SHUTDOWN_TIMEOUT", 0) != 0:
        check_seconds("BACKGROUND_TASK_SHUTDOWN_TIMEOUT", config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"])


def check_seconds(name: str, value: Any) -> None:
    """Refuse what is no number of seconds.

    Args:
        name: The setting or option, for the message.
        value: Its value.

    Raises:
        ConfigError: If the value is no number, zero or less, or not finite.

    Example:
        >>> check_seconds("REQUEST_TIMEOUT", 2.5)
        >>> check_seconds("REQUEST_TIMEOUT", "2.5")
        Traceback (most recent call last):
          ...
        costrel.errors.ConfigError: REQUEST_TIMEOUT must be a number of seconds above 0, got '2.5'
          hint: Write REQUEST_TIMEOUT = 30, or None for no bound.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value < math.inf:
        raise ConfigError(
            f"{name} must be a number of seconds above 0, got {value!r}",
            hint=f"Write {name} = 30, or None for no bound.",
        )
