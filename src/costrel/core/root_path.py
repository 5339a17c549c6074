"""Where the code of a module lies on disk. Knows no application."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec

__all__ = ["get_root_path"]


def get_root_path(import_name: str) -> str:
    """Find the folder of a module or package.

    A module that is not a file, such as the one of an interactive session,
    gets the current directory.

    Args:
        import_name: Usually ``__name__``.

    Raises:
        RuntimeError: If the module is there but has no file, as a namespace
            package has none.
    """
    filename = getattr(sys.modules.get(import_name), "__file__", None)
    if filename is not None:
        return _folder(filename)

    spec = _find_spec(import_name)
    if spec is None or spec.loader is None:
        return os.getcwd()

    get_filename = getattr(spec.loader, "get_filename", None)
    filename = (
        get_filename(import_name)
        if get_filename is not None
        else getattr(import_module(import_name), "__file__", None)
    )
    if filename is None:
        raise RuntimeError(
            f"No root path can be found for the provided module {import_name!r}: it has no file,"
            " as is so for a namespace package or a module of an unusual importer.\n"
            "  hint: Pass root_path=... explicitly."
        )

    return _folder(filename)


def _find_spec(import_name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(import_name)
    except (ImportError, ValueError):
        # ValueError: the module is loaded and its __spec__ is None, as that of __main__.
        return None


def _folder(filename: str) -> str:
    return os.path.dirname(os.path.abspath(filename))
