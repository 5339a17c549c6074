"""What the process environment turns on or off, by costrel's names and by Flask's."""

from __future__ import annotations

import os

__all__ = ["get_debug_flag", "get_load_dotenv"]

_FALSE = frozenset(("0", "false", "no"))


def get_debug_flag() -> bool:
    """Tell whether ``COSTREL_DEBUG``, or else ``FLASK_DEBUG``, turns debug mode on."""
    value = os.environ.get("COSTREL_DEBUG") or os.environ.get("FLASK_DEBUG") or "0"

    return value.lower() not in _FALSE


def get_load_dotenv(default: bool = True) -> bool:
    """Tell whether to load ``.env`` files.

    ``COSTREL_SKIP_DOTENV``, or else ``FLASK_SKIP_DOTENV``, says not to.

    Args:
        default: The answer if neither is set.
    """
    value = os.environ.get("COSTREL_SKIP_DOTENV") or os.environ.get("FLASK_SKIP_DOTENV")
    if not value:
        return default

    return value.lower() in _FALSE
