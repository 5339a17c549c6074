"""Let folders that Flask-Migrate made say ``from flask import current_app``. Knows no Alembic."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import costrel

__all__ = ["flask_names_for"]

_NAME = "flask"
_IMPORTS_FLASK = re.compile(rf"^\s*(from {_NAME} import|import {_NAME}$)", re.MULTILINE)


@contextmanager
def flask_names_for(directory: str) -> Iterator[None]:
    """Let ``flask`` mean costrel while a folder's files run, if its ``env.py`` imports it.

    Without that, the application would have to run under the alias for the
    sake of its migrations. Under the alias this does nothing.

    Args:
        directory: The folder of the migrations.
    """
    if "costrel.as_flask" in sys.modules or not _imports_flask(os.path.join(directory, "env.py")):
        yield
        return

    before = {name: sys.modules[name] for name in (_NAME,) if name in sys.modules}
    sys.modules[_NAME] = _Names(_NAME, costrel.__doc__)
    try:
        yield
    finally:
        del sys.modules[_NAME]
        sys.modules.update(before)


class _Names(ModuleType):
    """Costrel's public names under another one, and no submodules: these would be loaded twice."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)

        value: object = getattr(costrel, name)
        return value


def _imports_flask(file: str) -> bool:
    try:
        with open(file, encoding="utf-8") as opened:
            return _IMPORTS_FLASK.search(opened.read()) is not None
    except OSError:
        return False
