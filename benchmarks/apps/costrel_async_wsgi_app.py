"""Costrel with ``async def`` views, under WSGI."""

from __future__ import annotations

from apps.costrel_app import IMPORT, PACKAGE, PATH_PREPEND, UNSUPPORTED

__all__ = ["IMPORT", "PACKAGE", "PATH_PREPEND", "UNSUPPORTED", "make_app"]


def make_app(variant):
    import costrel
    from apps import flask_like_async

    return flask_like_async.build(costrel, variant)
