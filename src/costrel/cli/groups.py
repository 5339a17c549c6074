"""Groups of commands: those with a context, and the one that knows the application's commands."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from costrel import _mode
from costrel.cli.check import check_command
from costrel.cli.discovery import App
from costrel.cli.errors import NoAppException
from costrel.cli.extensions import extensions_command
from costrel.cli.options import app_option, as_flask_option, debug_option, env_file_option, traceback_option
from costrel.cli.plugins import find_plugins, load_plugin
from costrel.cli.routes import routes_command
from costrel.cli.run import run_command
from costrel.cli.script_info import ScriptInfo, load_for_command, push_app_context, with_appcontext
from costrel.cli.serve import serve_command
from costrel.cli.settings import prefix_for
from costrel.cli.shell import shell_command
from costrel.cli.version import version_option
from costrel.errors import SetupError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["AppGroup", "CostrelGroup", "FlaskGroup"]


class AppGroup(click.Group):
    """A group whose commands run inside of an application context.

    Example:
        >>> users = AppGroup("users")
        >>> @users.command("list")
        ... def list_users() -> None:
        ...     click.echo("nobody yet")
    """

    def command(self, *args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Command]:  # type: ignore[override]  # click overloads the use without parentheses
        """Register a command, as click's decorator does.

        Args:
            *args: As click takes them.
            **kwargs: As click takes them, and ``with_appcontext=False`` for a
                command that needs no context.
        """
        wrap = kwargs.pop("with_appcontext", True)
        add = super().command

        def decorator(f: Callable[..., Any]) -> click.Command:
            command: click.Command = add(*args, **kwargs)(with_appcontext(f) if wrap else f)
            return command

        return decorator

    def group(self, *args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Group]:  # type: ignore[override]  # as above
        """Register a group within this one, which is an ``AppGroup`` too."""
        kwargs.setdefault("cls", AppGroup)

        decorator: Callable[[Callable[..., Any]], click.Group] = super().group(*args, **kwargs)

        return decorator

    def add_lazy(self, target: str) -> None:
        """Add a command that is imported when it is first used or listed.

        A command that is there under the same name goes before it.

        Args:
            target: Module and attribute, ``"shop.commands:users"``; the
                attribute is the command's name, ``_`` being written ``-``.

        Raises:
            SetupError: If it has another form.
        """
        module, _, attribute = target.partition(":")
        if not module or not attribute.isidentifier():
            raise SetupError(
                f"a lazy command must look like 'shop.commands:users', got {target!r}",
                hint="Write the module, a colon, and the name that the command has there.",
            )
        self._lazy[attribute.replace("_", "-")] = target

    @cached_property
    def _lazy(self) -> dict[str, str]:
        return {}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command of this group, importing it if it was added as a name."""
        target = self._lazy.get(cmd_name)
        if target is not None and cmd_name not in self.commands:
            self.add_command(_imported(target, cmd_name), cmd_name)

        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands of this group."""
        return sorted({*super().list_commands(ctx), *self._lazy})


class _Broken(click.Command):
    """Stands for a command that cannot be imported: help lists it, and using it raises the error."""

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(name, short_help=f"(Cannot be loaded: {str(error).partition(chr(10))[0]})")
        self._error = error

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Raise the error."""
        raise self._error


def _imported(target: str, name: str) -> click.Command:
    """Import a command by its module and attribute."""
    module, _, attribute = target.partition(":")
    try:
        command: click.Command = getattr(import_module(module), attribute)
    except Exception as error:  # the module's own faults too: they must not take help away
        return _Broken(name, error)

    return command


class FlaskGroup(AppGroup):
    """The group of the ``costrel`` command, also for commands of your own.

    It has the built-in commands, those of plugins and those of the application.

    Args:
        add_default_commands: Whether ``run``, ``serve``, ``check``, ``shell``, ``routes`` and
                ``extensions`` are in it.
        create_app: A factory that makes the application.
        add_version_option: Whether ``--version`` is an option.
        load_dotenv: Whether ``.env`` and its like are read.
        set_debug_flag: Whether the application gets the command line's debug flag.
        **extra: As click's ``Group`` takes them.
    """

    def __init__(
        self,
        add_default_commands: bool = True,
        create_app: Callable[..., App] | None = None,
        add_version_option: bool = True,
        load_dotenv: bool = True,
        set_debug_flag: bool = True,
        **extra: Any,
    ) -> None:
        options = [env_file_option, app_option, debug_option, traceback_option, as_flask_option]
        if add_version_option:
            options.append(version_option)  # type: ignore[arg-type]  # a list of click's own options as well
        extra["params"] = [*extra.get("params", ()), *options]
        settings = dict(extra.get("context_settings") or {})
        extra["context_settings"] = {"auto_envvar_prefix": "FLASK", **settings}
        super().__init__(**extra)

        self.create_app = create_app
        self.load_dotenv = load_dotenv
        self.set_debug_flag = set_debug_flag
        self._plugins: dict[str, EntryPoint] | None = None
        if add_default_commands:
            for command in _BUILT_IN:
                self.add_command(command)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Prepare the process and the command's ``ScriptInfo``, then parse as click does."""
        # `app.run()` in the application's module would block the import that looks for it.
        os.environ["FLASK_RUN_FROM_CLI"] = "true"
        if "obj" not in extra and "obj" not in self.context_settings:
            extra["obj"] = ScriptInfo(
                create_app=self.create_app,
                set_debug_flag=self.set_debug_flag,
                load_dotenv_defaults=self.load_dotenv,
            )

        return super().make_context(info_name, args, parent=parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and settle which application is meant before help lists its commands."""
        asks_for_help = len(args) == 1 and args[0] in self.get_help_option_names(ctx)
        if not args or (asks_for_help and self._help_loads_app()):
            # Help ends the parsing before these two are read, but lists the commands of the application
            # that they name in the environment.
            env_file_option.handle_parse_result(ctx, {}, [])
            app_option.handle_parse_result(ctx, {}, [])
        ctx.meta[_LISTS_APP] = not asks_for_help or self._help_loads_app()

        return super().parse_args(ctx, args)

    def get_command(  # pyright: ignore[reportIncompatibleMethodOverride]  # Flask's name of the parameter
        self, ctx: click.Context, name: str
    ) -> click.Command | None:
        """Look among the built-in commands, then the plugins, then the application's."""
        command = super().get_command(ctx, name)
        if command in _NOT_FLASKS and self._help_loads_app():
            command = self._own_command(ctx, name) or command
        if command is None and name in self._find_plugins():
            command = load_plugin(self._find_plugins()[name])
            self.add_command(command, name)
        if command is not None:
            return command

        info = ctx.ensure_object(ScriptInfo)
        try:
            app = load_for_command(info)
        except NoAppException as error:
            click.secho(f"Error: {error.format_message()}\n", err=True, fg="red")
            return None
        push_app_context(ctx, app)

        found: click.Command | None = app.cli.get_command(ctx, name)

        return found

    def _own_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Find the command of a plugin or of Flask's application under a name that Flask leaves free."""
        if name in self._find_plugins():
            return load_plugin(self._find_plugins()[name])
        try:
            app = ctx.ensure_object(ScriptInfo).load_app()
        except Exception:  # told by the command that needs it
            return None
        command: click.Command | None = app.cli.get_command(ctx, name)
        if command is not None:
            push_app_context(ctx, app)

        return command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands; an application that cannot be loaded adds none."""
        names = {*super().list_commands(ctx), *self._find_plugins()}
        if ctx.meta.get(_LISTS_APP, True):
            try:
                app = load_for_command(ctx.ensure_object(ScriptInfo))
                names.update(app.cli.list_commands(ctx))
            except click.ClickException as error:
                # Only the fault is told: help must come all the same.
                click.secho(f"Error: {error.format_message()}\n", err=True, fg="red")

        return sorted(names)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands; a plugin that is not loaded is named with its package."""
        if ctx.meta.get(_LISTS_APP, True):
            try:
                super().format_commands(ctx, formatter)
            finally:
                # To find a command enters the application's context, which help would not leave.
                ctx.close()
            return

        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max((len(name) for name in names), default=0)
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._short_help(ctx, name, limit)) for name in names])
        formatter.write_paragraph()
        formatter.write_text(f"'{ctx.command_path}' alone lists the commands of the application as well.")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, and name the nearest one if there is none."""
        ctx.auto_envvar_prefix = prefix_for(args[0], ctx.auto_envvar_prefix)
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchOption:
            raise
        except click.UsageError as error:
            raise click.UsageError(self._suggest(ctx, args[0], error.message), ctx) from None

    def _suggest(self, ctx: click.Context, name: str, message: str) -> str:
        from difflib import get_close_matches  # for cost: only a wrong name needs it

        ctx.meta[_LISTS_APP] = ctx.ensure_object(ScriptInfo)._loaded_app is not None
        nearest = get_close_matches(name, self.list_commands(ctx), 1)

        return f"{message} Did you mean {nearest[0]!r}?" if nearest else message

    def _short_help(self, ctx: click.Context, name: str, limit: int) -> str:
        command = self.commands.get(name)
        if command is not None:
            return command.get_short_help_str(limit)
        entry = self._find_plugins()[name]

        return f"From {entry.dist.name if entry.dist else entry.module}."

    def _find_plugins(self) -> dict[str, EntryPoint]:
        if self._plugins is None:
            self._plugins = find_plugins()

        return self._plugins

    def _help_loads_app(self) -> bool:
        """Tell whether ``--help`` lists the application's commands, as Flask's does.

        Costrel's own command answers at once instead, without the application.
        """
        return _mode.flask_defaults() or self.create_app is not None


CostrelGroup = FlaskGroup
_BUILT_IN = (run_command, serve_command, check_command, shell_command, routes_command, extensions_command)
_NOT_FLASKS = (serve_command, check_command, extensions_command)
"""Built-in commands whose names Flask's applications may have given to commands of their own."""
_LISTS_APP = "costrel.cli.lists_app"
