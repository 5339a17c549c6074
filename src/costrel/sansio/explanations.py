"""Registration of functions that explain errors to the developer; the development server asks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from werkzeug.utils import cached_property

from costrel.errors import Explanation
from costrel.sansio.scaffold import setupmethod

__all__ = ["AppExplanations"]

E = TypeVar("E", bound=Callable[[Any], Explanation | None])


class AppExplanations:
    """The application's part."""

    @cached_property
    def error_explainers(self) -> list[Callable[[Exception], Explanation | None]]:
        """The functions that ``explain_error`` registered."""
        return []

    @setupmethod
    def explain_error(self, f: E) -> E:
        """Register a function that knows what is behind an error, for the development server.

        It is called with an error that no handler took, in debug mode only
        and outside of any context. What it returns is told in the terminal
        and to the client; a browser gets it as a page. Extensions call this
        with a function of theirs.

        Example:
            >>> from costrel import Costrel
            >>> from costrel.errors import Explanation
            >>> app = Costrel("shop")
            >>> @app.explain_error
            ... def cups_are_missing(error):
            ...     if isinstance(error, LookupError):
            ...         return Explanation("No cups", "Wash some first.", commands=("wash --all",))
        """
        self.error_explainers.append(f)
        return f
