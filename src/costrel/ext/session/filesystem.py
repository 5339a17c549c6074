"""Flask-Session's names for sessions of the type ``filesystem``, where it has them."""

from __future__ import annotations

from costrel.ext.session.interfaces import FileSystemSession, FileSystemSessionInterface

__all__ = ["FileSystemSession", "FileSystemSessionInterface"]
