"""The mark by which low modules recognise an application without importing its class."""

from __future__ import annotations

__all__ = ["ApplicationMarker"]


class ApplicationMarker:
    """A base of every application class; ``isinstance`` is all it is for."""
