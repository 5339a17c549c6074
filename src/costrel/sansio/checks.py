"""Registration of checks of an application's own; ``costrel check`` runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from werkzeug.utils import cached_property

from costrel.core.checks.finding import Finding
from costrel.sansio.scaffold import setupmethod

__all__ = ["AppChecks"]

C = TypeVar("C", bound=Callable[[Any], Iterable[Finding] | None])


class AppChecks:
    """The application's part."""

    _was_checked: bool = False
    """Whether ``costrel serve`` has told already what it found."""

    @cached_property
    def check_funcs(self) -> list[Callable[[Any], Iterable[Finding] | None]]:
        """The functions that ``check`` registered."""
        return []

    @setupmethod
    def check(self, f: C) -> C:
        """Register a function that looks for mistakes, for ``costrel check``.

        It is called with the application, before that serves, and yields
        what it finds. Extensions call this with a function of theirs.

        Example:
            >>> from costrel import Costrel
            >>> from costrel.checks import Finding
            >>> app = Costrel("shop")
            >>> @app.check
            ... def mail_server_is_set(app):
            ...     if not app.config.get("MAIL_SERVER"):
            ...         yield Finding("mail.W001", "mails are written to the log", hint="Set MAIL_SERVER.")
        """
        self.check_funcs.append(f)
        return f
