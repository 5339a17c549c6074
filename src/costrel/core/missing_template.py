"""The errors for templates that are nowhere, with where they were looked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from jinja2 import BaseLoader, TemplateNotFound, TemplatesNotFound

__all__ = ["MissingTemplate", "MissingTemplates"]

Places = Callable[[], Iterable[tuple[str, BaseLoader]]]


class _Explained(TemplateNotFound):
    """The explanation is put together when someone reads it, and not before.

    Jinja raises these errors often to go on with the next name of a list.
    """

    _places: Places | None = None
    _asked_for: tuple[str, ...] = ()
    _text = ""

    def __str__(self) -> str:
        places, self._places = self._places, None
        if places is not None:
            self._text = _explain(str(self.message), self._asked_for, list(places()))

        return self._text


class MissingTemplate(_Explained):
    """A template that no loader has.

    Args:
        name: The template.
        places: Names the owners that were asked, with their loaders.
    """

    def __init__(self, name: str, places: Places) -> None:
        super().__init__(name)
        self._asked_for = (str(name),)
        self._places = places

    def __reduce__(self) -> tuple[Any, ...]:
        # The loaders belong to this process: elsewhere only the text remains.
        return TemplateNotFound, (self.name, str(self))


class MissingTemplates(_Explained, TemplatesNotFound):
    """Several templates of which no loader has one.

    Args:
        names: The templates.
        places: As for ``MissingTemplate``.
    """

    def __init__(self, names: list[Any], places: Places) -> None:
        super().__init__(names)
        self._asked_for = tuple(name for name in names if isinstance(name, str))
        self._places = places

    def __reduce__(self) -> tuple[Any, ...]:
        return TemplatesNotFound, (self.templates, str(self))


def _explain(problem: str, asked_for: tuple[str, ...], places: list[tuple[str, BaseLoader]]) -> str:
    lines = [problem, "  looked in:"]
    lines += [f"    {path} ({owner})" for owner, loader in places for path in _paths(loader)]
    if len(lines) == 2:
        lines = [problem, "  hint: Neither the application nor a blueprint has a template folder."]
        return "\n".join(lines)

    known = _names(loader for _, loader in places)
    near = [(name, found) for name in asked_for for found in get_close_matches(name, known, n=1)]
    if near:
        nearest = max(near, key=lambda pair: SequenceMatcher(None, *pair).ratio())[1]
        lines.append(f"  hint: Did you mean {nearest!r}?")

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
