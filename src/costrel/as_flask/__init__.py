"""Importing this makes ``import flask`` mean costrel, in this process.

    import costrel.as_flask
    from flask import Flask  # costrel's

Import it before anything that imports Flask. ``python -m costrel.as_flask install``
does that for every process of an environment: gunicorn, celery, pytest, ``flask``.
Applications made under the alias have Flask's defaults instead of costrel's safe ones.

It may run at every start of an interpreter, so it loads nothing of costrel's core;
the first ``import flask`` does.
"""

from __future__ import annotations

import sys

from costrel import _mode
from costrel.as_flask.finder import AliasFinder
from costrel.errors import SetupError

__all__ = ["activate"]


def activate() -> None:
    """Answer Flask's imports from now on; once is enough, twice does no harm.

    Raises:
        SetupError: If the real Flask was imported before: those who have it would
            keep it, and two applications that do not know each other would live on.
    """
    flask = sys.modules.get("flask")
    if flask is not None and flask is not sys.modules.get("costrel"):
        raise SetupError(
            f"Flask itself is imported already, from {getattr(flask, '__file__', None)!r}",
            hint="Import costrel.as_flask before everything else, or have every process of this"
            " environment do so: python -m costrel.as_flask install",
        )

    _mode.use_flask_defaults()
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(_place(), AliasFinder())


def _place() -> int:
    """Find the place before Python's own finders, and behind those that watch imports.

    A finder behind the one for ``sys.path`` is asked only for what is missing; one in
    front of a monitoring tool's keeps the import from it.
    """
    names = [getattr(finder, "__name__", "") for finder in sys.meta_path]

    return names.index("BuiltinImporter") if "BuiltinImporter" in names else 0


activate()
