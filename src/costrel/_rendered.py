"""The files and templates of an application."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, cast

from costrel import _proxies
from costrel._current import current
from costrel._routed import Routed
from costrel._steps import RequestSteps
from costrel.blueprints import open_relative
from costrel.core.app_methods import styled_args
from costrel.core.drive import is_async
from costrel.core.files import default_max_age, static_response
from costrel.core.on_loop import may_run_on_loop
from costrel.helpers import get_flashed_messages
from costrel.wrappers import Response

if TYPE_CHECKING:
    from costrel._environment import Environment

__all__ = ["Rendered"]


class Rendered(RequestSteps, Routed):
    """Files and templates of an application."""

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return the seconds a browser may keep a file; ``None`` makes it ask each time."""
        return default_max_age(self.config)

    def send_static_file(self, filename: str) -> Response:
        """Send a file of the static folder.

        Raises:
            RuntimeError: If the application has no static folder.
        """
        if not self.has_static_folder:
            raise RuntimeError("'static_folder' must be set to serve static_files.")

        return cast(
            Response,
            static_response(
                self, cast(str, self.static_folder), filename, self.get_send_file_max_age(filename)
            ),
        )

    def open_resource(self, resource: str, mode: str = "rb", encoding: str | None = None) -> IO[Any]:
        """Open a file relative to the application's folder for reading.

        Raises:
            ValueError: If the mode is not one for reading.
        """
        return open_relative(self.root_path, resource, mode, encoding)

    def open_instance_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = "utf-8"
    ) -> IO[Any]:
        """Open a file of the instance folder, in any mode."""
        path = os.path.join(self.instance_path, resource)

        return open(path, mode) if "b" in mode else open(path, mode, encoding=encoding)

    def create_jinja_environment(self) -> Environment:
        """Create the Jinja environment from ``jinja_options`` and the configuration."""
        options = dict(self.jinja_options)
        options.setdefault("autoescape", self.select_jinja_autoescape)
        if "auto_reload" not in options:
            auto_reload = self.config["TEMPLATES_AUTO_RELOAD"]
            options["auto_reload"] = self.debug if auto_reload is None else auto_reload

        env = self.jinja_environment(self, **options)
        env.globals.update(
            url_for=self.url_for,
            get_flashed_messages=get_flashed_messages,
            config=self.config,
            request=_proxies.request,
            session=_proxies.session,
            g=_proxies.g,
        )
        for setup in self.extension_setups.values():
            env.globals.update(setup.template_globals)
        env.policies["json.dumps_function"] = self.json.dumps

        return env

    def update_template_context(self, *args: Any, **named: Any) -> None:
        """Let the context processors add to what a template sees; its own values win.

        Args:
            *args: The values, to be changed in place; Flask 3.2 hands a
                context before them.
            **named: The values as ``context=``, as Flask names them.
        """
        context: dict[str, Any] = named["context"] if named else args[-1]
        own = context.copy()
        for function in self._template_context_processors():
            context.update(self.ensure_sync(function)())
        context.update(own)

    def _own_template_update(self) -> Callable[[dict[str, Any]], None] | None:
        """Return an override of ``update_template_context``, as a function of the values, or ``None``."""
        name = "update_template_context"
        if (
            name not in self.__dict__
            and type(self).update_template_context is Rendered.update_template_context
        ):
            return None

        update = self.update_template_context

        return lambda context: update(*styled_args(update, name, current.get(None), (context,)))

    def _template_context_processors(self) -> list[Callable[[], dict[str, Any]]]:
        """Return the context processors of the request, in the order in which they are asked."""
        ctx: Any = current.get(None)
        scope = None if ctx is None else ctx._request_scope
        processors: Any = self.template_context_processors
        if scope is None or not self.blueprints:
            return processors.get(None, [])  # type: ignore[no-any-return]  # the registry's list

        names = (None, *reversed(scope.request.blueprints))

        return [function for name in names for function in processors.get(name, ())]

    async def _aupdate_template_context(self, context: dict[str, Any]) -> None:
        """Do as ``update_template_context`` on an event loop: what is not async is called beside it."""
        from costrel.serving.threads import in_thread  # for cost: only async rendering

        update = self._own_template_update()
        if update is not None:
            await in_thread(update, context)
            return

        own = context.copy()
        for function in self._template_context_processors():
            if is_async(function):
                values = await cast(Any, function)()
            elif may_run_on_loop(function):
                values = function()
            else:
                values = await in_thread(function)
            context.update(values)
        context.update(own)

    def make_shell_context(self) -> dict[str, Any]:
        """Return the names that ``costrel shell`` starts with."""
        names: dict[str, Any] = {"app": self, "g": _proxies.g}
        for processor in self.shell_context_processors:
            names.update(processor())

        return names
