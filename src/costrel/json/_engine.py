"""The C library for JSON, if there is one that writes numbers as Python does."""

from __future__ import annotations

from types import ModuleType

__all__ = ["orjson"]


def _find() -> ModuleType | None:
    try:
        import orjson  # Not a dependency on other interpreters than CPython.
    except ImportError:
        return None

    # Releases differ in how they spell exponents; only Python's spelling will do.
    return orjson if orjson.dumps(1e16) == b"1e+16" else None


# Typed as a module of Any contents: a type checker must accept both cases.
orjson: ModuleType | None = _find()
