"""The application of ``costrel serve``, under names that every server can import in every worker.

``costrel.serving.target:wsgi``, ``:asgi`` and ``:rsgi`` load what the command
was told to serve, when they are first asked for. Knows no server.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from typing import Any

__all__ = ["PLAN", "load", "read_plan"]

PLAN = "COSTREL_SERVING_PLAN"
"""The variable by which the command tells its workers what to serve; it holds no secret."""

_loaded: list[Any] = []


def read_plan() -> dict[str, Any]:
    """Return what ``costrel serve`` has settled.

    Raises:
        RuntimeError: If this process does not belong to that command.
    """
    text = os.environ.get(PLAN)
    if text is None:
        raise RuntimeError(f"costrel.serving.target is for 'costrel serve', which sets {PLAN}")

    plan: dict[str, Any] = json.loads(text)

    return plan


def __getattr__(name: str) -> Any:  # Any: the class of the application stands above this package
    if name not in ("wsgi", "asgi", "rsgi"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    return load(name)


def load(interface: str) -> Any:
    """Return the application as servers of an interface call it; the first call loads it.

    Args:
        interface: ``wsgi``, ``asgi`` or ``rsgi``.
    """
    if not _loaded:
        _loaded.append(_load())
    app = _loaded[0]

    return app.asgi if interface == "asgi" else app


def _load() -> Any:
    # Imported here: to be asked for the plan alone should not load the command line.
    from costrel.cli.script_info import ScriptInfo

    plan = read_plan()
    # As `app.run()` in the application's module is kept from serving.
    os.environ["FLASK_RUN_FROM_CLI"] = "true"
    if plan["as_flask"]:
        import_module("costrel.as_flask")
    app = ScriptInfo(app_import_path=plan["app"] or None).load_app()
    if plan["checked"]:
        # The command has told what it found; the workers need not say it again.
        app._was_checked = True

    return app
