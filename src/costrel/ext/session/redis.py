"""Flask-Session's names for sessions of the type ``redis``, where it has them."""

from __future__ import annotations

from costrel.ext.session.interfaces import RedisSession, RedisSessionInterface

__all__ = ["RedisSession", "RedisSessionInterface"]
