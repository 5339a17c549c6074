"""The file that makes every process of an environment start with the alias.

Python's ``site`` executes each line of a ``.pth`` file that begins with ``import``.
Knows nothing of the alias but its module's name.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from costrel.errors import SetupError

__all__ = ["install", "pth_path", "read_state", "remove"]

# NOTE: sorts behind the files of editable installations, which bring costrel onto sys.path.
_FILE = "costrel_as_flask.pth"

# A file that outlives its costrel must not print a traceback at every start.
_LINE = (
    'import importlib.machinery; importlib.machinery.PathFinder.find_spec("costrel")'
    ' and __import__("{module}", fromlist=["*"])\n'
)
_MODULES = {"on": "costrel.as_flask", "revive": "costrel.as_flask.revive"}


def pth_path() -> Path:
    """Return where this interpreter's environment has the file, or would have it."""
    return Path(sysconfig.get_paths()["purelib"]) / _FILE


def read_state(path: Path) -> str:
    """Say what a file does: ``"off"`` (there is none), ``"on"`` or ``"revive"``."""
    if not path.exists():
        return "off"

    return "revive" if _MODULES["revive"] in path.read_text(encoding="utf-8") else "on"


def install(path: Path, *, revive: bool = False, outside_venv: bool = False) -> bool:
    """Write the file, and tell whether that changed anything.

    Args:
        path: The file, as ``pth_path`` returns it.
        revive: Bring back names that died with Flask 2, too.
        outside_venv: Do it in a Python that belongs to the whole machine as well.

    Raises:
        SetupError: If this is no virtual environment and ``outside_venv`` is not set.
    """
    if sys.prefix == sys.base_prefix and not outside_venv:
        raise SetupError(
            f"this Python is not in a virtual environment: all that uses {sys.prefix!r} would have the alias",
            hint="Make one with 'python -m venv .venv' and use its Python, or add --outside-venv"
            f" to write {str(path)!r}.",
        )

    line = _LINE.format(module=_MODULES["revive" if revive else "on"])
    if path.exists() and path.read_text(encoding="utf-8") == line:
        return False

    path.write_text(line, encoding="utf-8")

    return True


def remove(path: Path) -> bool:
    """Delete the file, and tell whether there was one."""
    if not path.exists():
        return False

    path.unlink()

    return True
