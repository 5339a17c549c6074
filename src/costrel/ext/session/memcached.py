"""Flask-Session's names for sessions of the type ``memcached``, where it has them."""

from __future__ import annotations

from costrel.ext.session.interfaces import MemcachedSession, MemcachedSessionInterface

__all__ = ["MemcachedSession", "MemcachedSessionInterface"]
