"""Costrel with ``async def`` views on granian's own protocol, RSGI: over the wire only."""

from __future__ import annotations

from apps import costrel_async_wsgi_app
from apps.costrel_app import IMPORT, PACKAGE, PATH_PREPEND, UNSUPPORTED

__all__ = ["IMPORT", "PACKAGE", "PATH_PREPEND", "PROTOCOL", "UNSUPPORTED", "make_app"]

PROTOCOL = "rsgi"


def make_app(variant):
    return costrel_async_wsgi_app.make_app(variant)
