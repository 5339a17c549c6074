"""Names that Flask's modules have only because they import them.

Some applications take them from there (``from flask.blueprints import AppGroup``).
costrel's modules do not import from above, so the names are added when a module is
handed out under Flask's name, and looked up when somebody uses them.
"""

from __future__ import annotations

import sys

# Every checker knows this name; importing `typing` for it costs 5 ms at every start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["add_names"]

_HOMES = {
    "costrel.app": {
        "T_shell_context_processor": "costrel.sansio.app",
        "T_teardown": "costrel.sansio.app",
        "T_template_filter": "costrel.sansio.app",
        "T_template_global": "costrel.sansio.app",
        "T_template_test": "costrel.sansio.app",
        "get_load_dotenv": "costrel.helpers",
        "send_from_directory": "costrel.helpers",
    },
    "costrel.blueprints": {
        "AppGroup": "costrel.cli",
        "send_from_directory": "costrel.helpers",
    },
    "costrel.debughelpers": {
        "App": "costrel.sansio.app",
        "Blueprint": "costrel.sansio.blueprints",
    },
}
"""By module of costrel: each name, and the module to take it from."""


def add_names(module: ModuleType) -> None:
    """Let a module answer for the names that Flask's module of that name has besides."""
    homes = _HOMES.get(module.__name__)
    if homes is None or "__getattr__" in vars(module):
        return

    def look_up(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        __import__(homes[name])
        return getattr(sys.modules[homes[name]], name)

    look_up.__name__ = look_up.__qualname__ = "__getattr__"
    vars(module)["__getattr__"] = look_up
