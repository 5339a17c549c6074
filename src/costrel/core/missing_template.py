"""The error for a template that is nowhere, with where it was looked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from jinja2 import BaseLoader, TemplateNotFound

__all__ = ["MissingTemplate"]

Places = Callable[[], Iterable[tuple[str, BaseLoader]]]


class MissingTemplate(TemplateNotFound):
    """A template that no loader has.

    The explanation is put together when someone reads it, and not before:
    Jinja raises this often to go on with the next name of a list.

    Args:
        name: The template.
        places: Names the owners that were asked, with their loaders.
    """

    def __init__(self, name: str, places: Places) -> None:
        super().__init__(name)
        self._places: Places | None = places
        self._text = ""

    def __str__(self) -> str:
        places, self._places = self._places, None
        if places is not None:
            self._text = _explain(str(self.name), list(places()))

        return self._text

    def __reduce__(self) -> tuple[Any, ...]:
        # The loaders belong to this process: elsewhere only the text remains.
        return TemplateNotFound, (self.name, str(self))


def _explain(name: str, places: list[tuple[str, BaseLoader]]) -> str:
    lines = [name, "  looked in:"]
    lines += [f"    {path} ({owner})" for owner, loader in places for path in _paths(loader)]
    if len(lines) == 2:
        lines = [name, "  hint: Neither the application nor a blueprint has a template folder."]
        return "\n".join(lines)

    nearest = get_close_matches(name, _names(loader for _, loader in places), n=1)
    if nearest:
        lines.append(f"  hint: Did you mean {nearest[0]!r}?")

    return "\n".join(lines)


def _paths(loader: BaseLoader) -> list[str]:
    """Name where a loader looks, and say so if that is not there."""
    folders = getattr(loader, "searchpath", None)
    if folders is None:
        return [type(loader).__name__]

    return [f"{path}{'' if os.path.isdir(path) else ', which does not exist,'}" for path in map(str, folders)]


def _names(loaders: Iterable[BaseLoader]) -> list[str]:
    names: set[str] = set()
    for loader in loaders:
        try:
            names.update(loader.list_templates())
        except TypeError:  # a loader that cannot list
            continue

    return sorted(names)
