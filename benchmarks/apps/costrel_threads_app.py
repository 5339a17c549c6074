"""Costrel with sync views under ASGI: the application of ``costrel_app``, unchanged."""

from __future__ import annotations

from apps import costrel_app
from apps.costrel_app import IMPORT, PACKAGE, PATH_PREPEND, UNSUPPORTED

__all__ = ["IMPORT", "PACKAGE", "PATH_PREPEND", "PROTOCOL", "UNSUPPORTED", "make_app"]

PROTOCOL = "asgi"


def make_app(variant):
    return costrel_app.make_app(variant).asgi
