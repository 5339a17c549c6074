"""costrel: Flask, whole, and past where Flask stopped.

The names are listed in ``costrel/_public.py``. They are loaded when the first of
them is used, because this package is also imported at every start of an
interpreter that has the alias installed, and by ``costrel --help``.
"""

from __future__ import annotations

import sys

from costrel import _mode

# Every checker knows this name; importing `typing` for it costs 5 ms at every start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from costrel._public import *  # noqa: F403

# Not by globals(), which the module `costrel.globals` hides once it is imported.
_names = vars(sys.modules[__name__])

# What Flask has as attributes after `import flask`, and does not load for its names.
_MODULES = frozenset(
    (
        "app",
        "blueprints",
        "cli",
        "config",
        "ctx",
        "debughelpers",
        "globals",
        "helpers",
        "json",
        "logging",
        "sansio",
        "sessions",
        "signals",
        "templating",
        "testing",
        "typing",
        "views",
        "wrappers",
    )
)

# Flask has no `__all__`: `from flask import *` brings the modules that it has loaded by then as well.
_STARRED = _MODULES - {"debughelpers", "testing", "views"}


# Hidden from checkers, which know the names and should complain about all others.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name == "__version__":
            return _version()
        if name in _MODULES:
            return _module(name)
        if name == "__all__":
            return [*_load(), *sorted(_STARRED)] if _mode.flask_defaults() else _load()
        # What begins so is asked of every module by inspect, copy and doctest.
        if not name.startswith("_") and name in _load():
            return _names[name]

        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*_names, *_load(), *_MODULES})


def _module(name: str) -> ModuleType:
    """Import a module of this package that was used as an attribute."""
    __import__(f"{__name__}.{name}")

    return sys.modules[f"{__name__}.{name}"]


def _load() -> list[str]:
    """Bring all public names into this module, once, and return the list of them."""
    public = _module("_public")
    names: list[str] = public.__all__
    for name in names:
        # An attribute that somebody swapped (OpenTelemetry sets `flask.Flask`) stays theirs.
        _names.setdefault(name, getattr(public, name))

    return names


def _version() -> str:
    """Answer with costrel's version, or with Flask's where this module is ``flask``."""
    if not _mode.flask_defaults():
        from importlib.metadata import version  # for cost: 15 ms

        return version("costrel")

    import warnings  # for cost, as above

    warnings.warn(
        "The '__version__' attribute is deprecated and goes away in Flask 3.2;"
        ' use importlib.metadata.version("flask") instead.',
        DeprecationWarning,
        stacklevel=3,
    )

    return _mode.FLASK_VERSION
