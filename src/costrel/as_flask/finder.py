"""Answers ``import flask`` with costrel's modules. Imports none of them itself.

One module object stands under both names, so that a patch of ``flask.helpers.url_for``
reaches the implementation. Only Flask 3.1's modules are answered: ``flask.ext`` or a
private module of costrel do not exist under Flask's name.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec

from costrel.as_flask.incidental import add_names

# Every checker knows this name; importing `typing` for it costs 5 ms at every start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.metadata import Distribution, DistributionFinder
    from types import CodeType, ModuleType

__all__ = ["AliasFinder", "AliasLoader"]

MODULES = frozenset(
    (
        "flask",
        "flask.__main__",
        "flask.app",
        "flask.blueprints",
        "flask.cli",
        "flask.config",
        "flask.ctx",
        "flask.debughelpers",
        "flask.globals",
        "flask.helpers",
        "flask.json",
        "flask.json.provider",
        "flask.json.tag",
        "flask.logging",
        "flask.sansio",
        "flask.sansio.app",
        "flask.sansio.blueprints",
        "flask.sansio.scaffold",
        "flask.sessions",
        "flask.signals",
        "flask.templating",
        "flask.testing",
        "flask.typing",
        "flask.views",
        "flask.wrappers",
    )
)


class AliasFinder:
    """Stand first in ``sys.meta_path`` and answer for Flask and its distribution."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of one of Flask's modules, or ``None`` for any other.

        Raises:
            ModuleNotFoundError: If Flask 3.1 has no such module. Going on to the next
                finder would load a second copy of a file of costrel under this name.
        """
        if fullname != "flask" and not fullname.startswith("flask."):
            return None
        if fullname not in MODULES:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)

        return AliasSpec(fullname, AliasLoader(own_name(fullname)))

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterator[Distribution]:
        """Yield a distribution of Flask when ``importlib.metadata`` looks for one.

        A search of given paths (pip looks at one folder at a time) finds only what
        is really there.
        """
        if context is not None and "path" in vars(context):
            return
        if context is None or context.name is None or context.name.lower() == "flask":
            from costrel.as_flask.metadata import FlaskDistribution  # for cost: 15 ms

            yield FlaskDistribution()


class AliasSpec(ModuleSpec):
    """The spec of a module under Flask's name, which is told when the import is over."""

    def __init__(self, name: str, loader: AliasLoader) -> None:
        self.alias_loader = loader
        # The loader is one by its methods; the class to inherit from costs 5 ms.
        super().__init__(name, loader, origin=_origin_of(name), is_package=name in _PACKAGES)  # type: ignore[arg-type]

    @property
    def _initializing(self) -> bool:
        return bool(vars(self).get("in progress"))

    @_initializing.setter
    def _initializing(self, value: bool) -> None:
        # The import system sets this, to False when the loader and all who wrapped it are done.
        vars(self)["in progress"] = value
        if not value:
            self.alias_loader.finish()


class AliasLoader:
    """Hand out a module of costrel, imported under its own name, as it is.

    Args:
        own: The name of the module in costrel.
    """

    def __init__(self, own: str) -> None:
        self.own = own
        self._marks: dict[str, object] = {}
        self._watched = False
        self._name = ""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Import the module, and keep what the import system is about to overwrite."""
        __import__(self.own)
        module = sys.modules[self.own]
        self._marks = {name: vars(module)[name] for name in _MARKS if name in vars(module)}
        self._watched = not isinstance(spec.loader, AliasLoader)
        self._name = spec.name

        return module

    def exec_module(self, module: ModuleType) -> None:
        """Put back the marks of the module's own import; it has run already.

        A tool that waits for ``flask.app`` (wrapt, New Relic, Datadog) has wrapped this
        loader, and asks the module for its name afterwards: it is Flask's until then.
        """
        vars(module).update(self._marks)
        add_names(module)
        if self.own == "costrel":
            _load_what_flask_loads(module)
        if self._watched:
            module.__name__ = self._name

    def finish(self) -> None:
        """Give the module its own name back, after those who watched the import."""
        if self._watched:
            sys.modules[self.own].__name__ = self.own

    def is_package(self, fullname: str) -> bool:
        """Tell whether the module has submodules under Flask's name."""
        return fullname in _PACKAGES

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the module's code, which ``python -m flask`` runs."""
        return _loader_of(self.own).get_code(self.own)  # type: ignore[no-any-return, attr-defined]  # a file's loader

    def get_source(self, fullname: str) -> str | None:
        """Return the module's source for tracebacks."""
        return _loader_of(self.own).get_source(self.own)  # type: ignore[no-any-return, attr-defined]  # as above


_PACKAGES = frozenset(("flask", "flask.json", "flask.sansio"))
_COMMAND = "flask.__main__"
_MARKS = ("__spec__", "__loader__", "__package__", "__path__")


def own_name(name: str) -> str:
    """Return the name in costrel of a module of Flask.

    Example:
        >>> own_name("flask.json.tag")
        'costrel.json.tag'
    """
    return "costrel" + name[len("flask") :]


def _origin_of(name: str) -> str:
    """Return what a spec says of where its module is from.

    For ``python -m flask`` it becomes ``sys.argv[0]``, out of which the usage
    makes the command that was typed if it is a file.
    """
    return os.path.join(sys.modules["costrel"].__path__[0], "__main__.py") if name == _COMMAND else "costrel"


def _load_what_flask_loads(module: ModuleType) -> None:
    """Load the public names, and give every loaded module its second name.

    Post-import hooks of monitoring tools wait for ``flask.app``, which Flask
    imports by itself. Applications' tests ask for the name of the class, and for an
    application's ``repr``, which has it; ``pickle`` and tracebacks go by the other one.
    """
    dir(module)
    sys.modules["costrel.app"].Costrel.__name__ = "Flask"
    for name in sorted(MODULES):
        if own_name(name) in sys.modules and name not in sys.modules:
            __import__(name)


def _loader_of(name: str) -> object:
    """Find the loader of a module without running it (``__main__`` must not run)."""
    from importlib.util import find_spec  # for cost: 2 ms

    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    return spec.loader
