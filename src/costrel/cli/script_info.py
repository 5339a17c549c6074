"""What a command knows of its application: where it is, and the application once it is needed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar, cast

import click

from costrel.cli.discovery import App, locate_app, prepare_import
from costrel.cli.errors import AppBroken, nothing_found
from costrel.cli.settings import program_name

__all__ = ["ScriptInfo", "load_for_command", "pass_script_info", "push_app_context", "with_appcontext"]

F = TypeVar("F", bound=Callable[..., Any])


class ScriptInfo:
    """Finds and loads the application of a command, once.

    It is click's ``ctx.obj`` of every command; tests make one themselves.

    Args:
        app_import_path: What ``--app`` says.
        create_app: A factory that is called instead of looking for anything.
        set_debug_flag: Whether the loaded application gets the debug flag of
            the command line and the environment.
        load_dotenv_defaults: Whether ``.env`` and its like are read.

    Example:
        >>> info = ScriptInfo(create_app=lambda: "an application", set_debug_flag=False)
        >>> info.load_app()
        'an application'
    """

    def __init__(
        self,
        app_import_path: str | None = None,
        create_app: Callable[..., App] | None = None,
        set_debug_flag: bool = True,
        load_dotenv_defaults: bool = True,
    ) -> None:
        self.app_import_path = app_import_path
        self.create_app = create_app
        self.data: dict[Any, Any] = {}
        """Free for commands to share values; by key of any type."""
        self.set_debug_flag = set_debug_flag
        self.load_dotenv_defaults = load_dotenv_defaults
        self.found_in: str | None = None
        """The file that was found when nothing was named."""
        self._loaded_app: App | None = None

    def load_app(self) -> App:
        """Return the application; the first call loads it.

        Raises:
            NoAppException: If there is none to be found.
        """
        if self._loaded_app is not None:
            return self._loaded_app

        app = self.create_app() if self.create_app is not None else self._find()
        if app is None:
            raise nothing_found(program_name(), os.getcwd())
        if self.set_debug_flag:
            from costrel.helpers import get_debug_flag  # for cost: it loads Werkzeug

            # The setter of `debug`, because it also tells Jinja to look for changed templates.
            app.debug = get_debug_flag()
        self._loaded_app = app

        return app

    def _find(self) -> App | None:
        if self.app_import_path:
            # A colon before a slash belongs to a Windows drive.
            path, *name = re.split(r":(?![\\/])", self.app_import_path, maxsplit=1)
            return locate_app(prepare_import(path), name[0] if name else None)

        for file in ("wsgi.py", "app.py"):
            app = locate_app(prepare_import(file), None, raise_if_not_found=False)
            if app is not None:
                self.found_in = file
                return app

        return None


pass_script_info = click.make_pass_decorator(ScriptInfo, ensure=True)
"""Decorate a command to receive its ``ScriptInfo`` as the first argument."""


def load_for_command(info: ScriptInfo) -> App:
    """Load the application for a built-in command, which shows the application's faults itself.

    Raises:
        AppBroken: If the application's own code fails.
    """
    try:
        return info.load_app()
    except click.ClickException:
        raise
    except Exception as error:
        from costrel.debug.terminal import describe  # for cost: it loads Jinja

        raise AppBroken(error, describe) from error


def push_app_context(ctx: click.Context, app: App) -> None:
    """Keep an application context until a command ends, unless this application has one already."""
    from costrel._current import current  # for cost: it loads Werkzeug

    now = current.get(None)
    if now is None or now.app is not app:
        ctx.with_resource(app.app_context())


def with_appcontext(f: F) -> F:
    """Run a command's function inside of an application context.

    Commands of ``app.cli`` have one already; those made with click alone do not.

    Example:
        >>> @click.command()
        ... @with_appcontext
        ... def show() -> None:
        ...     click.echo("inside")
    """

    @click.pass_context
    def decorator(ctx: click.Context, /, *args: Any, **kwargs: Any) -> Any:
        # NOTE: the framework is loaded if and only if somebody entered a context.
        module = sys.modules.get("costrel._current")
        if module is None or module.current.get(None) is None:
            ctx.with_resource(ctx.ensure_object(ScriptInfo).load_app().app_context())

        return ctx.invoke(f, *args, **kwargs)

    return cast(F, update_wrapper(decorator, f))
