"""Flask-Session's names for sessions of the type ``cachelib``, where it has them."""

from __future__ import annotations

from costrel.ext.session.interfaces import CacheLibSession, CacheLibSessionInterface

__all__ = ["CacheLibSession", "CacheLibSessionInterface"]
