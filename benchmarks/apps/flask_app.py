"""Flask itself."""

from __future__ import annotations

PACKAGE, IMPORT = "flask", "flask"
UNSUPPORTED = {}


def make_app(variant):
    import flask

    from apps import flask_like

    return flask_like.build(flask, variant)
