"""One thing that was found wrong, and what to do with many of them. Knows no application."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from costrel.errors import SetupError

__all__ = ["HOSTS_NOT_SETTLED", "Finding", "Level", "collect"]

HOSTS_NOT_SETTLED = "security.W012"

_ID = r"[a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)*\.[IWE][0-9]{3}"


class Level(IntEnum):
    """How much a finding matters.

    Example:
        >>> Level.WARNING.label, Level.ERROR > Level.WARNING
        ('warning', True)
    """

    INFO = 10
    """Worth knowing; nothing is wrong."""
    WARNING = 20
    """Works, and can be used by an attacker or will disappoint."""
    ERROR = 30
    """Must not be served so."""

    @property
    def label(self) -> str:
        """The level as it is written, ``"warning"``."""
        return self.name.lower()


_LEVELS = {"I": Level.INFO, "W": Level.WARNING, "E": Level.ERROR}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found wrong.

    Args:
        id: Stays the same between versions, so that it can be silenced:
            the subject, a point, ``I``, ``W`` or ``E`` for the level, and
            three digits.
        text: What is wrong, and what follows from it. Never a secret.
        hint: A sentence one can act on, or an empty string.

    Raises:
        SetupError: If the id has another form.

    Example:
        >>> print(Finding("mail.W001", "mails are written to the log", hint="Set MAIL_SERVER."))
        mail.W001 mails are written to the log
          hint: Set MAIL_SERVER.
    """

    id: str
    text: str
    hint: str = ""

    def __post_init__(self) -> None:
        if re.fullmatch(_ID, self.id, re.ASCII) is None:
            raise SetupError(
                f"the id of a finding must look like 'mail.W001', got {self.id!r}",
                hint="Write a subject, a point, I, W or E, and three digits.",
            )

    @property
    def level(self) -> Level:
        """How much it matters, as its id says."""
        return _LEVELS[self.id[-4]]

    def __str__(self) -> str:
        return f"{self.id} {self.text}\n  hint: {self.hint}" if self.hint else f"{self.id} {self.text}"


Check = Callable[[Any], Iterable[Finding] | None]
"""Takes the application. ``Any``, because its class stands above this package."""


def collect(
    checks: Iterable[Check], app: Any, silenced: Collection[str] = ()
) -> tuple[list[Finding], list[Finding]]:
    """Run checks over an application.

    Args:
        checks: Functions that take the application; generators, or with a
            list as result. One that fails is a finding itself.
        app: The application.
        silenced: Ids that are not to be told.

    Returns:
        The findings, the gravest first, and those that are silenced.
    """
    found = [finding for check in checks for finding in _run(check, app)]
    found.sort(key=lambda finding: (-finding.level, finding.id))

    return (
        [finding for finding in found if finding.id not in silenced],
        [finding for finding in found if finding.id in silenced],
    )


def _run(check: Check, app: Any) -> Iterator[Finding]:
    try:
        yield from check(app) or ()
    except Exception as error:  # the user's: the other checks are to run
        name = getattr(check, "__qualname__", repr(check))
        yield Finding("checks.E001", f"the check {name} failed: {type(error).__name__}: {error}")
