"""The application without I/O: configuration, registration, URLs, error policy.

``costrel.app`` adds what runs a request. Nothing here handles one.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote

from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import Aborter, BadRequest, BadRequestKeyError, HTTPException
from werkzeug.routing import BuildError
from werkzeug.utils import cached_property
from werkzeug.utils import redirect as _wz_redirect
from werkzeug.wrappers import Response as BaseResponse

from costrel import _mode
from costrel import typing as ft
from costrel._app_context import _AppCtxGlobals
from costrel.config import Config, ConfigAttribute
from costrel.core.contracts import Application
from costrel.core.drive import is_async
from costrel.core.handlers import find_handler
from costrel.core.lazy import class_from
from costrel.core.marker import ApplicationMarker
from costrel.core.next_url import encode_controls
from costrel.core.on_loop import mark_on_loop
from costrel.core.timeouts import check_timeout
from costrel.core.views import where_defined
from costrel.errors import SetupError
from costrel.helpers import _split_blueprint_path, get_debug_flag
from costrel.json.provider import DefaultJSONProvider, JSONProvider
from costrel.logging import create_logger
from costrel.routing import Map, Rule
from costrel.sansio.blueprints import Blueprint
from costrel.sansio.checks import AppChecks
from costrel.sansio.explanations import AppExplanations
from costrel.sansio.extensions import AppExtensions
from costrel.sansio.hooks import AppHooks
from costrel.sansio.lifespan import AppLifespan
from costrel.sansio.scaffold import (
    Scaffold,
    _check_rule_arguments,
    _endpoint_from_view_func,
    find_package,
    setupmethod,
)
from costrel.sansio.sockets import AppSockets
from costrel.templating import autoescape_for

if TYPE_CHECKING:
    from costrel._environment import DispatchingJinjaLoader, Environment

__all__ = ["App"]

T_shell_context_processor = TypeVar("T_shell_context_processor", bound=ft.ShellContextProcessorCallable)
T_template_filter = TypeVar("T_template_filter", bound=ft.TemplateFilterCallable)
T_template_global = TypeVar("T_template_global", bound=ft.TemplateGlobalCallable)
T_template_test = TypeVar("T_template_test", bound=ft.TemplateTestCallable)


def _make_timedelta(value: timedelta | int | None) -> timedelta | None:
    """Read seconds as a ``timedelta``."""
    if value is None or isinstance(value, timedelta):
        return value

    return timedelta(seconds=value)


def _jinja_environment() -> type[Environment]:
    from costrel._environment import Environment  # for cost: Jinja, 25 ms, only templates need it

    return Environment


# What a route says of how it is served, and where its rule keeps that.
_SERVING_OPTIONS = {
    "stream_body": "stream_body",
    "sync_to_thread": "sync_to_thread",
    "timeout": "timeout_seconds",
}


class App(
    AppLifespan, AppSockets, AppChecks, AppExplanations, AppExtensions, AppHooks, Scaffold, ApplicationMarker
):
    """The part of ``costrel.Costrel`` that knows no request.

    Args:
        import_name: The module of the application, usually ``__name__``; its
            folder holds the templates and static files.
        static_url_path: URL of the static files; the folder's name by default.
        static_folder: Their folder, relative to ``root_path``.
        static_host: Host to serve them on, with ``host_matching``.
        host_matching: Match the host of rules too.
        subdomain_matching: Match the subdomain of rules below ``SERVER_NAME``.
        template_folder: Folder of the templates, relative to ``root_path``.
        instance_path: Absolute folder for what is not under version control.
        instance_relative_config: Read configuration files from there.
        root_path: The folder of the application, where it cannot be found.
    """

    aborter_class = Aborter
    jinja_environment: type[Environment] = class_from(_jinja_environment)
    app_ctx_globals_class: type[Any] = _AppCtxGlobals
    config_class = Config
    testing = ConfigAttribute[bool]("TESTING")
    secret_key = ConfigAttribute[str | bytes | None]("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute[timedelta](
        "PERMANENT_SESSION_LIFETIME",
        get_converter=_make_timedelta,  # type: ignore[arg-type]  # None stays None
    )
    json_provider_class: type[JSONProvider] = DefaultJSONProvider
    jinja_options: dict[str, Any] = {}  # noqa: RUF012  # extensions and subclasses assign a new one
    url_rule_class: type[Any] = Rule
    url_map_class: type[Any] = Map
    test_client_class: type[Any] | None = None
    test_cli_runner_class: type[Any] | None = None
    default_config: ImmutableDict[str, Any]
    response_class: type[Any]

    _refuses_setup: bool = False
    """Whether a request was answered though serving has not begun, as those of test clients are."""

    def __init__(
        self,
        import_name: str,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = "static",
        static_host: str | None = None,
        host_matching: bool = False,
        subdomain_matching: bool = False,
        template_folder: str | os.PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        root_path: str | None = None,
    ) -> None:
        super().__init__(
            import_name=import_name,
            static_folder=static_folder,
            static_url_path=static_url_path,
            template_folder=template_folder,
            root_path=root_path,
        )
        self._flask_defaults = _mode.flask_defaults()
        if instance_path is None:
            instance_path = self.auto_find_instance_path()
        elif not os.path.isabs(instance_path):
            raise ValueError(
                "If an instance path is provided it must be absolute. A relative path was given instead."
            )

        self.instance_path = instance_path
        self.config = self.make_config(instance_relative_config)
        self.aborter = self.make_aborter()
        self.json: JSONProvider = self.json_provider_class(cast(Application, self))
        self.url_build_error_handlers: list[Callable[[Exception, str, dict[str, Any]], str]] = []
        self.teardown_appcontext_funcs: list[ft.TeardownCallable] = []
        self.shell_context_processors: list[ft.ShellContextProcessorCallable] = []
        self.blueprints: dict[str, Blueprint] = {}
        self.extensions: dict[str, Any] = {}
        self.url_map = self.url_map_class(host_matching=host_matching)
        self.subdomain_matching = subdomain_matching
        self._got_first_request = False
        self._start_lifespan_tables()
        self._start_socket_tables()

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_first_request or self._refuses_setup:
            raise AssertionError(
                f"The setup method '{f_name}' can no longer be called on the application. It has handled its"
                " first request, so the change would be seen by some requests only.\n"
                "Set up everything before the application serves: import all modules that register views and"
                " hooks, and create extensions at the top or in the factory."
            )

    @cached_property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # blueprints set theirs
        """The name of the application: its import name, or the file that runs as ``__main__``."""
        if self.import_name == "__main__":
            fn: str | None = getattr(sys.modules["__main__"], "__file__", None)
            if fn is not None:
                return os.path.splitext(os.path.basename(fn))[0]

        return self.import_name

    @cached_property
    def logger(self) -> logging.Logger:
        """The logger of this name, with a handler unless logging is set up already."""
        return create_logger(cast(Application, self))

    @cached_property
    def jinja_env(self) -> Environment:
        """The Jinja environment, made at the first use; set ``jinja_options`` before."""
        return self.create_jinja_environment()

    def create_jinja_environment(self) -> Environment:
        """Create the Jinja environment; override to change it as a whole."""
        raise NotImplementedError

    def make_config(self, instance_relative: bool = False) -> Config:
        """Create the configuration; override to use another class."""
        defaults = dict(self.default_config)
        if not self._flask_defaults:
            defaults.update(self._own_defaults())
        defaults["DEBUG"] = get_debug_flag()

        return self.config_class(self.instance_path if instance_relative else self.root_path, defaults)

    def _own_defaults(self) -> dict[str, Any]:
        """Return costrel's defaults where they differ from Flask's."""
        return {}

    def make_aborter(self) -> Aborter:
        """Create ``app.aborter``, which ``abort`` calls; override for codes of your own."""
        return self.aborter_class()

    def auto_find_instance_path(self) -> str:
        """Find the instance folder: beside the application, or under the prefix it is installed in."""
        prefix, package_path = find_package(self.import_name)
        if prefix is None:
            return os.path.join(package_path, "instance")

        return os.path.join(prefix, "var", f"{self.name}-instance")

    def create_global_jinja_loader(self) -> DispatchingJinjaLoader:
        """Create the loader that searches the application's and the blueprints' templates."""
        from costrel._environment import DispatchingJinjaLoader  # for cost: as above

        return DispatchingJinjaLoader(self)

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Decide from its name whether a template escapes what it prints."""
        return autoescape_for(filename, flask_defaults=self._flask_defaults)

    @property
    def debug(self) -> bool:
        """Whether debug mode is on; ``config["DEBUG"]``."""
        return self.config["DEBUG"]  # type: ignore[no-any-return]  # a configured value

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value
        if self.config["TEMPLATES_AUTO_RELOAD"] is None:
            self.jinja_env.auto_reload = value

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Register a blueprint.

        Args:
            blueprint: The blueprint.
            **options: ``url_prefix``, ``subdomain``, ``url_defaults`` and
                ``name`` go before the blueprint's own.

        Raises:
            ValueError: If its name is taken.
        """
        blueprint.register(self, options)

    def iter_blueprints(self) -> Iterable[Blueprint]:
        """Return the blueprints in the order of their registration."""
        return self.blueprints.values()

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Register a URL rule; see ``Scaffold.add_url_rule``.

        Raises:
            SetupError: If the endpoint has another view already, or the view
                has no argument for a variable of the rule, or is not async and
                has a ``timeout``. An ``AssertionError``.
            TypeError: If ``methods`` is a string.
        """
        serving = {name: options.pop(name) for name in _SERVING_OPTIONS if name in options}
        check_timeout(serving.get("timeout"), view_func, rule)
        if endpoint is None:
            endpoint = _endpoint_from_view_func(view_func)  # type: ignore[arg-type]  # it says what is missing
        options["endpoint"] = endpoint
        methods = self._rule_methods(options.pop("methods", None), view_func)
        if provide_automatic_options is None:
            provide_automatic_options = getattr(view_func, "provide_automatic_options", None)
        if provide_automatic_options is None:
            # Whether the view has OPTIONS among its required methods does not count, as in Flask.
            provide_automatic_options = "OPTIONS" not in methods and self.config["PROVIDE_AUTOMATIC_OPTIONS"]
        methods.update(getattr(view_func, "required_methods", ()))
        if provide_automatic_options:
            methods.add("OPTIONS")

        rule_obj = self.url_rule_class(rule, methods=methods, **options)
        rule_obj.provide_automatic_options = provide_automatic_options
        for name, value in serving.items():
            setattr(rule_obj, _SERVING_OPTIONS[name], value)
        if serving.get("sync_to_thread") is False and view_func is not None and not is_async(view_func):
            mark_on_loop(view_func)
        if view_func is not None:
            self._refuse_second_view(endpoint, view_func)
        self.url_map.add(rule_obj)
        if view_func is not None:
            self._check_rule_arguments(rule_obj, view_func)
            self.view_functions[endpoint] = view_func

    @staticmethod
    def _rule_methods(methods: Any, view_func: Any) -> set[str]:
        """Return the methods that were asked for, or the view's own."""
        if methods is None:
            methods = getattr(view_func, "methods", None) or ("GET",)
        if isinstance(methods, str):
            raise TypeError(
                'Allowed methods must be a list of strings, for example: @app.route(..., methods=["POST"])'
            )

        return {item.upper() for item in methods}

    def _refuse_second_view(self, endpoint: str, view_func: ft.RouteCallable) -> None:
        taken = self.view_functions.get(endpoint)
        if taken is not None and taken != view_func:
            raise SetupError(
                f"View function mapping is overwriting an existing endpoint function: {endpoint}\n"
                f"  the first:  {where_defined(taken)}\n  the second: {where_defined(view_func)}",
                hint=f"Rename one of them, or pass endpoint={endpoint + '_2'!r} to the second route.",
            )

    def _check_rule_arguments(self, rule: Any, view_func: ft.RouteCallable) -> None:
        # A preprocessor may take values out or add some; and Flask says nothing before the request.
        if self._flask_defaults or self.url_value_preprocessors:
            return

        _check_rule_arguments(rule, view_func)

    @setupmethod
    def template_filter(self, name: str | None = None) -> Callable[[T_template_filter], T_template_filter]:
        """Register the decorated function as a template filter.

        Args:
            name: Its name in templates; the function's by default.
        """
        return self._template_decorator(name, self.add_template_filter)  # type: ignore[no-any-return]  # as it is used

    @setupmethod
    def add_template_filter(self, f: ft.TemplateFilterCallable, name: str | None = None) -> None:
        """Register a template filter; as a call."""
        self.jinja_env.filters[name or f.__name__] = f

    @setupmethod
    def template_test(self, name: str | None = None) -> Callable[[T_template_test], T_template_test]:
        """Register the decorated function as a template test.

        Args:
            name: Its name in templates; the function's by default.
        """
        return self._template_decorator(name, self.add_template_test)  # type: ignore[no-any-return]  # as it is used

    @setupmethod
    def add_template_test(self, f: ft.TemplateTestCallable, name: str | None = None) -> None:
        """Register a template test; as a call."""
        self.jinja_env.tests[name or f.__name__] = f

    @setupmethod
    def template_global(self, name: str | None = None) -> Callable[[T_template_global], T_template_global]:
        """Register the decorated function as a global of all templates.

        Args:
            name: Its name in templates; the function's by default.
        """
        return self._template_decorator(name, self.add_template_global)  # type: ignore[no-any-return]  # as it is used

    @setupmethod
    def add_template_global(self, f: ft.TemplateGlobalCallable, name: str | None = None) -> None:
        """Register a template global; as a call."""
        self.jinja_env.globals[name or f.__name__] = f

    @staticmethod
    def _template_decorator(name: Any, add: Callable[..., None]) -> Any:
        """Build a decorator that also works bare, as ``@app.template_filter``."""
        if callable(name):
            add(name)
            return name

        def decorator(f: Any) -> Any:
            add(f, name=name)
            return f

        return decorator

    @setupmethod
    def shell_context_processor(self, f: T_shell_context_processor) -> T_shell_context_processor:
        """Add the mapping that the function returns to the names of ``costrel shell``."""
        self.shell_context_processors.append(f)
        return f

    def _find_error_handler(self, e: Exception, blueprints: list[str]) -> ft.ErrorHandlerCallable | None:
        code = e.code if isinstance(e, HTTPException) else None
        return find_handler(self.error_handler_spec, e, code=code, blueprints=blueprints)

    def trap_http_exception(self, e: Exception) -> bool:
        """Tell whether an ``HTTPException`` is to be treated like any other error.

        ``TRAP_HTTP_EXCEPTIONS`` and ``TRAP_BAD_REQUEST_ERRORS`` decide; in
        debug mode a missing form key is, so that it is seen.
        """
        if self.config["TRAP_HTTP_EXCEPTIONS"]:
            return True

        trap_bad_request = self.config["TRAP_BAD_REQUEST_ERRORS"]
        if trap_bad_request is None and self.debug and isinstance(e, BadRequestKeyError):
            return True
        if trap_bad_request:
            return isinstance(e, BadRequest)

        return False

    def should_ignore_error(self, error: BaseException | None) -> bool:
        """Tell whether teardown functions are not to see an error; override to change."""
        return False

    def _is_native_production(self) -> bool:
        """Whether to warn of what is unsafe in production; Flask's applications are used to no such lines."""
        return not (self.debug or self.testing or self._flask_defaults)

    def redirect(self, location: str, code: int = 302) -> BaseResponse:
        """Create a redirect; ``costrel.redirect`` calls this.

        Args:
            location: Where to; a URL of another host is the caller's choice.
            code: The status.
        """
        return _wz_redirect(encode_controls(location), code=code, Response=self.response_class)

    def inject_url_defaults(self, endpoint: str, values: dict[str, Any]) -> None:
        """Let the ``url_defaults`` functions add values for a URL."""
        functions = self.url_default_functions
        if not functions:
            return

        names: Iterable[str | None] = (None,)
        if "." in endpoint:
            names = chain(names, reversed(_split_blueprint_path(endpoint.rpartition(".")[0])))
        for name in names:
            if name in functions:
                for function in functions[name]:
                    function(endpoint, values)

    def handle_url_build_error(self, error: BuildError, endpoint: str, values: dict[str, Any]) -> str:
        """Let the ``url_build_error_handlers`` answer for a URL that cannot be built.

        Raises:
            BuildError: If none of them does.
        """
        for handler in self.url_build_error_handlers:
            try:
                rv = handler(error, endpoint, values)
            except BuildError as raised:
                error = raised
            else:
                if rv is not None:
                    return rv

        raise error

    def _url_suffix(self, anchor: str | None) -> str:
        return "" if anchor is None else f"#{quote(anchor, safe='%!#$&()*+,/:;=?@')}"
