"""The errors costrel shows its developers: a problem, and a hint at the cure.

Errors for visitors are Werkzeug's ``HTTPException`` classes; they are not here.

    CostrelError
    ├── ConfigError (ValueError)      an option or a value of the configuration
    ├── SetupError (AssertionError)   the application is put together wrongly
    └── ContextError (RuntimeError)   used outside the context it needs
"""

from __future__ import annotations

__all__ = ["ConfigError", "ContextError", "CostrelError", "Explanation", "SetupError"]


class CostrelError(Exception):
    """Say what is wrong and what to do about it.

    Args:
        problem: Lower case, no full stop, in the developer's words.
        hint: A sentence one can act on, or an empty string.

    Example:
        >>> print(CostrelError("no cups left", hint="Wash one."))
        no cups left
          hint: Wash one.
    """

    def __init__(self, problem: str, *, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        if not self.hint:
            return self.problem

        return f"{self.problem}\n  hint: {self.hint}"


class ConfigError(CostrelError, ValueError):
    """An option is unknown or has a value that cannot be used."""


class SetupError(CostrelError, AssertionError):
    """The application is put together wrongly.

    An ``AssertionError``, because that is what Flask raises for two views
    under one endpoint and for setup after the first request.
    """


class ContextError(CostrelError, RuntimeError):
    """Something that needs a context was used outside of one."""


class Explanation:
    """What is behind an error, and what to type; ``app.explain_error`` registers who finds out.

    Args:
        title: What is the matter, in a few words.
        hint: A sentence one can act on.
        commands: Lines to type, in their order.
        details: What the page lists: the files, tables or settings it is about.

    Example:
        >>> Explanation("No cups", "Wash some first.", commands=("wash --all",)).line
        'No cups. Wash some first. Type: wash --all'
    """

    # No dataclass: loading what makes one takes longer than all of the alias, at every start of Python.
    __slots__ = ("commands", "details", "hint", "title")

    def __init__(
        self, title: str, hint: str, commands: tuple[str, ...] = (), details: tuple[str, ...] = ()
    ) -> None:
        self.title = title
        self.hint = hint
        self.commands = commands
        self.details = details

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.line!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Explanation) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash(self._all())

    def _all(self) -> tuple[object, ...]:
        return self.title, self.hint, self.commands, self.details

    @property
    def line(self) -> str:
        """All but the details in one line, for a terminal."""
        told = f"{self.title}. {self.hint}"

        return f"{told} Type: {' && '.join(self.commands)}" if self.commands else told
