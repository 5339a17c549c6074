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

_FLASK_VERSION = "3.1.3"
"""The version of Flask whose interface this is; what it says of itself as ``flask``."""

# What Flask has as attributes after `import flask`, and does not load for its names.
_MODULES = frozenset(
    """
    app blueprints cli config ctx debughelpers globals helpers json logging sansio
    sessions signals templating testing typing views wrappers
    """.split()
)


# Hidden from checkers, which know the names and should complain about all others.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name == "__version__":
            return _version()
        if name in _MODULES:
            __import__(f"costrel.{name}")
            return sys.modules[f"costrel.{name}"]
        if name.startswith("_"):
            # Asked of every module by inspect, doctest, copy: not a reason to load anything.
            if name == "__all__":
                return _load().__all__
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

        try:
            return getattr(_load(), name)
        except AttributeError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *_load().__all__, *_MODULES})


def _load() -> ModuleType:
    """Bring all public names into this module, once."""
    import costrel._public as public  # for cost: see the module's docstring

    here = globals()
    for name in public.__all__:
        # An attribute that somebody swapped (OpenTelemetry sets `flask.Flask`) stays theirs.
        here.setdefault(name, getattr(public, name))

    return public


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

    return _FLASK_VERSION
