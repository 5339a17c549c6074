"""Costrel from this checkout, or the one that BENCH_COSTREL names, with its own (secure) defaults."""

from __future__ import annotations

import os
import pathlib

PACKAGE, IMPORT = "costrel", "costrel"
STATEMENT = "from costrel import Costrel"  # the package alone loads its names later
UNSUPPORTED = {}
PATH_PREPEND = os.environ.get("BENCH_COSTREL") or str(pathlib.Path(__file__).resolve().parents[2] / "src")


def make_app(variant):
    import costrel
    from apps import flask_like

    return flask_like.build(costrel, variant)
