"""Imports the package ``werkzeug`` without running it until one of its own names is used.

``werkzeug/__init__.py`` imports the development server and the test client, and with
them ``http.server`` and ``ssl``: 25 ms and 2 MiB, which no production process uses. The modules
of Werkzeug are imported as ever; only the package's own few lines wait. Importing this
module does that, so it comes before all others that need Werkzeug.
"""

from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader
from threading import get_ident
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["import_package"]

# What a module is asked for that may stand in the package's file. All else that begins so
# is asked of every module by the import system, inspect and unittest.
_MARKS = ("__all__", "__version__")


def import_package(name: str = "werkzeug") -> None:
    """Import a package, and let its file wait; nothing happens if it is there already.

    Where someone else takes part in its import (a tool that waits for it, a freezer),
    it is imported as usual.

    Args:
        name: A package whose file does nothing but import.
    """
    if name in sys.modules:
        return

    finder = _Finder(name)
    sys.meta_path.insert(0, finder)
    try:
        # By the import system with its locks: another thread may import it at this moment.
        __import__(name)
    finally:
        # A new list, because another thread that walks the old one would leave a finder out.
        sys.meta_path = [other for other in sys.meta_path if other is not finder]


class _Finder:
    """Find one package as the other finders do, and give it a loader that does not run it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the package's spec, or ``None`` for the others to answer."""
        if fullname != self.name:
            return None

        specs = (other.find_spec(fullname, path, target) for other in sys.meta_path if other is not self)
        spec = next(filter(None, specs), None)
        if spec is None or type(spec.loader) is not SourceFileLoader:
            return None

        # The loader is one by its methods; the class to inherit from costs 5 ms.
        spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
        return spec


class _Loader:
    """Leave a module empty, with a ``__getattr__`` that fills it by its own loader."""

    def __init__(self, own: SourceFileLoader) -> None:
        self.own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Let the import system make the module."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Set the module up as its own loader would, except for running it."""
        spec: Any = module.__spec__
        spec.loader = module.__loader__ = self.own
        vars(module)["__getattr__"], vars(module)["__dir__"] = _ways_in(module, self.own)


def _ways_in(
    module: ModuleType, loader: SourceFileLoader
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make the two functions of a module that have it run when it is looked into."""
    names = vars(module)
    running: set[int] = set()
    has_run = False

    def look_up(name: str) -> object:
        # The package's file imports some of its modules, so they are attributes of it. All of
        # them are here, and stay so: which ones they are would depend on who came before.
        found = None if name.startswith("__") else _submodule(f"{module.__name__}.{name}")
        if found is not None:
            return found
        if not name.startswith("__") or name in _MARKS:
            run()
            if name in names:
                return names[name]

        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    def list_names() -> list[str]:
        run()
        return sorted(names)

    def run() -> None:
        nonlocal has_run
        # No lock: the import system's own, on the modules imported here, must be the only ones.
        # Threads that come here together do the same, and none goes on before it is done.
        if has_run or get_ident() in running:
            return

        running.add(get_ident())
        try:
            loader.exec_module(module)
        finally:
            running.discard(get_ident())
        has_run = True

    return look_up, list_names


def _submodule(name: str) -> ModuleType | None:
    """Import a module, or answer ``None`` if there is none of that name."""
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None

    return sys.modules[name]


import_package()
