"""What ``costrel shell`` knows: the extension and its models."""

from __future__ import annotations

from typing import Any

from costrel.globals import current_app

__all__ = ["add_models_to_shell"]


def add_models_to_shell() -> dict[str, Any]:
    """Return the extension as ``db``, and each model by the name of its class."""
    db = current_app.extensions["sqlalchemy"]
    found = {mapper.class_.__name__: mapper.class_ for mapper in db.Model._sa_registry.mappers}
    found["db"] = db

    return found
