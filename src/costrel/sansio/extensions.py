"""What an application knows of the extensions that are set up on it."""

from __future__ import annotations

from typing import Any

from costrel.core.lazy import lazy
from costrel.errors import SetupError
from costrel.sansio.scaffold import setupmethod

__all__ = ["AppExtensions"]


class AppExtensions:
    """The application's part. ``Any``: the class of an extension's setup stands above this package."""

    @lazy
    def extension_setups(self) -> dict[str, Any]:
        """The extensions of ``costrel.extension``'s shape that are set up, by name."""
        return {}

    @setupmethod
    def add_extension_setup(self, name: str, setup: Any) -> None:
        """Add an extension's commands and template globals; ``Extension.init_app`` calls this.

        Args:
            name: The extension's name.
            setup: A ``costrel.extension.ExtensionSetup``.

        Raises:
            SetupError: If another extension has a template global or a
                group of commands of the same name.
        """
        for other_name, other in self.extension_setups.items():
            _refuse_conflict(name, setup, other_name, other)
        self.extension_setups[name] = setup
        # Jinja and click are loaded by who needs them; before that, making the two asks this table.
        if setup.template_globals and "jinja_env" in self.__dict__:
            # What the application gave its environment itself goes before.
            have = self.jinja_env.globals  # type: ignore[attr-defined]  # the application's
            have.update({key: value for key, value in setup.template_globals.items() if key not in have})
        if setup.extension.commands and "cli" in self.__dict__:
            self.cli.add_lazy(setup.extension.commands)  # type: ignore[attr-defined]  # as above


def _refuse_conflict(name: str, setup: Any, other_name: str, other: Any) -> None:
    for key, value in setup.template_globals.items():
        if key in other.template_globals and other.template_globals[key] is not value:
            raise SetupError(
                f"the extensions {other_name!r} and {name!r} both give templates a {key!r}",
                hint="Use one of them, or rename it in template_globals() of a subclass.",
            )
    command = _command_of(setup)
    if command and command == _command_of(other):
        raise SetupError(
            f"the extensions {other_name!r} and {name!r} both have commands named {command!r}",
            hint="Use one of them, or set `commands` in a subclass.",
        )


def _command_of(setup: Any) -> str:
    return str(setup.extension.commands).rpartition(":")[2]
