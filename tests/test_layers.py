"""The house stands: imports point down, and no module reaches itself again, wherever they are written."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "costrel"

# A name stands for the module and for all modules below it.
LEVELS = {
    0: {"_missing", "_mode", "_werkzeug", "errors", "signals", "typing"},
    1: {"_current", "core"},
    2: {
        "_app_context",
        "_environment",
        "_proxies",
        "_request_context",
        "checks",
        "config",
        "ctx",
        "debughelpers",
        "helpers",
        "json",
        "logging",
        "routing",
        "sessions",
        "sockets",
        "templating",
        "views",
        "wrappers",
    },
    3: {"cli", "debug", "groups", "serving", "sse"},
    4: {"testing"},
    5: {
        "_defaults",
        "_rendered",
        "_routed",
        "_served",
        "_steps",
        "app",
        "blueprints",
        "extension",
        "globals",
        "sansio",
    },
    6: {"__init__", "__main__", "_public", "as_flask"},
    7: {"ext"},
}
LEVEL_OF = {name: level for level, names in LEVELS.items() for name in names}


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in PACKAGE.rglob("*.py")}


def level_of(module):
    name = module.split(".")[1] if "." in module else "__init__"
    return LEVEL_OF[name]


def imports_of(module, tree):
    """Name every module of the package that this one imports, also in functions and for types only."""
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(
                    [*package.split(".")[: len(package.split(".")) - node.level + 1], base]
                ).rstrip(".")
            # `from costrel import config` means the module, `from costrel.config import Config` what is in it
            found |= {name if (name := f"{base}.{alias.name}") in FILES else base for alias in node.names}

    return {name for name in found if name in FILES and name != module}


GRAPH = {
    module: imports_of(module, ast.parse(path.read_text(encoding="utf-8"))) for module, path in FILES.items()
}


@pytest.mark.parametrize("module", sorted(FILES))
def test_imports_point_down(module):
    upward = [name for name in GRAPH[module] if level_of(name) > level_of(module)]

    assert not upward, f"{module} (level {level_of(module)}) imports {upward} from above"


def test_there_is_no_circle():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail(f"modules that import each other: {' -> '.join(error.args[1])}")


def test_extensions_import_only_what_a_third_party_could():
    inside = {module for module in FILES if ".ext." in module}
    private = {
        (module, name)
        for module in inside
        for name in GRAPH[module]
        if any(part.startswith("_") for part in name.split(".")) or name.startswith("costrel.core")
    }

    assert not private


def test_nothing_inside_the_package_uses_the_proxies():
    # as_flask and the package root only pass them on
    allowed = {"costrel", "costrel._public"}
    users = {
        module
        for module, names in GRAPH.items()
        if "costrel.globals" in names and module not in allowed and level_of(module) < 7
    }

    assert not users


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import costrel.config", {"costrel.config"}),
        ("from costrel import signals", {"costrel.signals"}),
        ("from costrel import Flask", {"costrel"}),
        ("def late():\n    from costrel.config import Config", {"costrel.config"}),
        ("if TYPE_CHECKING:\n    from costrel.config import Config", {"costrel.config"}),
        ("from . import signals", {"costrel.signals"}),
        ("from .config import Config", {"costrel.config"}),
        ("import werkzeug", set()),
    ],
)
def test_an_import_is_seen_wherever_it_is_written(source, expected):
    FILES.setdefault("costrel.config", PACKAGE / "config.py")

    assert imports_of("costrel.errors", ast.parse(source)) == expected
