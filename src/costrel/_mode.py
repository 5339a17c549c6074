"""Whose defaults a new application gets: costrel's safe ones, or Flask's.

``costrel.as_flask`` turns Flask's on for the process, because what is created
there was written for Flask. An application reads this once, when it is made.
"""

from __future__ import annotations

__all__ = ["FLASK_VERSION", "flask_defaults", "use_flask_defaults"]

FLASK_VERSION = "3.1.3"
"""The version of Flask whose interface this is, and what answers a version check under the alias."""

_state = {"flask": False}


def flask_defaults() -> bool:
    """Tell whether new applications in this process get Flask's defaults."""
    return _state["flask"]


def use_flask_defaults(on: bool = True) -> None:
    """Give Flask's defaults to applications made from now on."""
    _state["flask"] = on
