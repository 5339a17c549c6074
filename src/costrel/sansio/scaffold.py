"""What applications and blueprints share: routes, hooks and handlers are registered here.

Nothing here runs a view or knows a request; it only fills the tables that the
lifecycle reads. The tables are plain dictionaries, because extensions change
them directly and each change must take effect at once.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections import defaultdict
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

from werkzeug.utils import cached_property

from costrel import typing as ft
from costrel.core.views import check_view_arguments
from costrel.core.ws_handler import SocketHandler
from costrel.helpers import get_root_path
from costrel.sansio.hooks import Hooks
from costrel.sansio.setup_method import setupmethod
from costrel.templating import _default_template_ctx_processor

if TYPE_CHECKING:
    from click import Group
    from jinja2 import BaseLoader

__all__ = ["Scaffold", "find_package", "setupmethod"]

F = TypeVar("F", bound=Callable[..., Any])
T_template_context_processor = TypeVar(
    "T_template_context_processor", bound=ft.TemplateContextProcessorCallable
)
T_url_defaults = TypeVar("T_url_defaults", bound=ft.URLDefaultCallable)
T_route = TypeVar("T_route", bound=ft.RouteCallable)


class Scaffold(Hooks):
    """The tables of routes, hooks and handlers, and the decorators that fill them.

    Args:
        import_name: The module this belongs to, usually ``__name__``.
        static_folder: Folder of static files; relative to ``root_path``.
        static_url_path: URL prefix of the static files.
        template_folder: Folder of templates; relative to ``root_path``.
        root_path: The folder other paths are relative to; found from
            ``import_name`` when not given.
    """

    name: str
    cli: Group
    _static_folder: str | None = None
    _static_url_path: str | None = None

    def __init__(
        self,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        root_path: str | None = None,
    ) -> None:
        self.import_name = import_name
        self.static_folder = static_folder
        self.static_url_path = static_url_path
        self.template_folder = template_folder
        self.root_path = get_root_path(import_name) if root_path is None else root_path

        self.view_functions: dict[str, ft.RouteCallable] = {}
        """View functions by endpoint."""

        self.error_handler_spec: dict[
            ft.AppOrBlueprintKey, dict[int | None, dict[type[Exception], ft.ErrorHandlerCallable]]
        ] = defaultdict(lambda: defaultdict(dict))
        """Error handlers: ``{blueprint or None: {code or None: {class: handler}}}``."""

        self.before_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.BeforeRequestCallable]] = defaultdict(
            list
        )
        """Called before the view, by blueprint name; ``None`` is the application."""

        self.before_unsafe_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.BeforeRequestCallable]] = (
            defaultdict(list)
        )
        """Called before those, for requests whose method is unsafe."""

        self.after_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.AfterRequestCallable[Any]]] = (
            defaultdict(list)
        )
        """Called with the response, last registered first."""

        self.teardown_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.TeardownCallable]] = defaultdict(list)
        """Called when the request context goes, last registered first."""

        self.template_context_processors: dict[
            ft.AppOrBlueprintKey, list[ft.TemplateContextProcessorCallable]
        ] = defaultdict(list, {None: [_default_template_ctx_processor]})
        """Called to add values to what a template sees."""

        self.url_value_preprocessors: dict[ft.AppOrBlueprintKey, list[ft.URLValuePreprocessorCallable]] = (
            defaultdict(list)
        )
        """Called with endpoint and URL values before the hooks."""

        self.url_default_functions: dict[ft.AppOrBlueprintKey, list[ft.URLDefaultCallable]] = defaultdict(
            list
        )
        """Called with endpoint and values when a URL is built."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _check_setup_finished(self, f_name: str) -> None:
        raise NotImplementedError

    @property
    def static_folder(self) -> str | None:
        """The absolute path of the static folder, or ``None`` if there is none."""
        if self._static_folder is None:
            return None

        return os.path.join(self.root_path, self._static_folder)

    @static_folder.setter
    def static_folder(self, value: str | os.PathLike[str] | None) -> None:
        self._static_folder = None if value is None else os.fspath(value).rstrip(r"\/")

    @property
    def has_static_folder(self) -> bool:
        """Whether a static folder is set; it need not exist."""
        return self.static_folder is not None

    @property
    def static_url_path(self) -> str | None:
        """The URL prefix of static files; the folder's name unless it was given."""
        if self._static_url_path is not None:
            return self._static_url_path
        if self.static_folder is not None:
            return f"/{os.path.basename(self.static_folder)}".rstrip("/")

        return None

    @static_url_path.setter
    def static_url_path(self, value: str | None) -> None:
        self._static_url_path = None if value is None else value.rstrip("/")

    @cached_property
    def jinja_loader(self) -> BaseLoader | None:
        """The loader of this object's templates, or ``None`` without a template folder."""
        if self.template_folder is None:
            return None

        from jinja2 import FileSystemLoader  # for cost: Jinja, 25 ms, only templates need it

        return FileSystemLoader(os.path.join(self.root_path, self.template_folder))

    def _method_route(self, method: str, rule: str, options: dict[str, Any]) -> Callable[[T_route], T_route]:
        if "methods" in options:
            raise TypeError("Use the 'route' decorator to use the 'methods' argument.")

        return self.route(rule, methods=[method], **options)

    @setupmethod
    def get(self, rule: str, **options: Any) -> Callable[[T_route], T_route]:
        """Register a view for ``GET``; options as for ``route``."""
        return self._method_route("GET", rule, options)

    @setupmethod
    def post(self, rule: str, **options: Any) -> Callable[[T_route], T_route]:
        """Register a view for ``POST``; options as for ``route``."""
        return self._method_route("POST", rule, options)

    @setupmethod
    def put(self, rule: str, **options: Any) -> Callable[[T_route], T_route]:
        """Register a view for ``PUT``; options as for ``route``."""
        return self._method_route("PUT", rule, options)

    @setupmethod
    def delete(self, rule: str, **options: Any) -> Callable[[T_route], T_route]:
        """Register a view for ``DELETE``; options as for ``route``."""
        return self._method_route("DELETE", rule, options)

    @setupmethod
    def patch(self, rule: str, **options: Any) -> Callable[[T_route], T_route]:
        """Register a view for ``PATCH``; options as for ``route``."""
        return self._method_route("PATCH", rule, options)

    @setupmethod
    def route(self, rule: str, **options: Any) -> Callable[[T_route], T_route]:
        """Register the decorated view for a URL rule.

        Args:
            rule: The path, with ``<converter:name>`` for its variable parts.
            **options: ``endpoint``, ``methods`` (default ``["GET"]``),
                ``defaults``, ``strict_slashes``, ``subdomain``, ``host`` and
                what else ``werkzeug.routing.Rule`` takes. Besides:
                ``sync_to_thread=False`` says that a synchronous view does not
                block, so that under ASGI it needs no worker thread;
                ``stream_body=True`` that an async view reads the body itself,
                piece by piece; ``timeout`` is in seconds.

        Example:
            >>> from costrel import Costrel
            >>> app = Costrel("shop")
            >>> @app.route("/items/<int:item_id>")
            ... def item(item_id):
            ...     return {"id": item_id}
        """

        def decorator(f: T_route) -> T_route:
            endpoint = options.pop("endpoint", None)
            self.add_url_rule(rule, endpoint, f, **options)
            return f

        return decorator

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Register a URL rule; what ``route`` does, as a call.

        Args:
            rule: The path, with ``<converter:name>`` for its variable parts.
            endpoint: The name for ``url_for``; the view's name by default.
            view_func: The view; may be set later in ``view_functions``.
            provide_automatic_options: Answer ``OPTIONS`` without the view.
            **options: As for ``route``.
        """
        raise NotImplementedError

    @setupmethod
    def endpoint(self, endpoint: str) -> Callable[[F], F]:
        """Set the decorated function as the view of an endpoint added elsewhere."""

        def decorator(f: F) -> F:
            self.view_functions[endpoint] = f
            return f

        return decorator

    @setupmethod
    def context_processor(self, f: T_template_context_processor) -> T_template_context_processor:
        """Add the mapping that the function returns to what templates see."""
        self.template_context_processors[None].append(f)
        return f

    @setupmethod
    def url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """Call the function with endpoint and values of each URL built; it may add some."""
        self.url_default_functions[None].append(f)
        return f


def _endpoint_from_view_func(view_func: ft.RouteCallable) -> str:
    """Name an endpoint after its view."""
    assert view_func is not None, "expected view func if endpoint is not provided."
    return view_func.__name__


def _check_rule_arguments(rule: Any, view_func: ft.RouteCallable | None) -> None:
    """Refuse a rule whose variables its view cannot take.

    Only plain functions can be judged; wrapped and class-based views pass.
    """
    if isinstance(view_func, SocketHandler):
        view_func.check(rule.rule, rule.arguments)
    elif type(view_func) is FunctionType and not hasattr(view_func, "__wrapped__"):
        check_view_arguments(rule.rule, rule.arguments, inspect.signature(view_func), view_func)


def find_package(import_name: str) -> tuple[str | None, str]:
    """Find where a package is installed.

    Returns:
        The installation prefix (``None`` for a package that is not installed
        under one) and the folder that contains the package.
    """
    from importlib.util import find_spec  # cost: only instance paths need it

    root_name = import_name.partition(".")[0]
    try:
        spec = find_spec(root_name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or (spec.origin is None and not spec.submodule_search_locations):
        return None, os.getcwd()

    package_path = os.path.abspath(_package_folder(import_name, spec))
    py_prefix = os.path.abspath(sys.prefix)
    if _is_below(package_path, py_prefix):
        return py_prefix, package_path

    site_parent, site_folder = os.path.split(package_path)
    if site_folder.lower() == "site-packages":
        return _prefix_of_site_packages(site_parent), package_path

    return None, package_path


def _package_folder(import_name: str, spec: Any) -> str:
    """Return the folder that holds the package or module of a spec."""
    origin: str = spec.origin or ""
    if spec.submodule_search_locations:
        if spec.origin is None or spec.origin == "namespace":
            return os.path.dirname(_namespace_location(import_name, spec))

        return os.path.dirname(os.path.dirname(origin))

    return os.path.dirname(origin)


def _namespace_location(import_name: str, spec: Any) -> str:
    """Choose the folder of a namespace package that holds ``import_name``."""
    from importlib.util import find_spec  # cost: only instance paths need it

    locations = list(spec.submodule_search_locations)
    inner = find_spec(import_name) if "." in import_name else None
    if inner is not None and inner.origin is not None:
        for location in locations:
            if _is_below(inner.origin, location):
                return str(location)

    return str(locations[0])


def _is_below(path: str, folder: str) -> bool:
    # Not with pathlib, which takes 1 ms to import and nothing else at the start needs.
    try:
        common = os.path.commonpath((path, folder))
    except ValueError:  # on two drives, or one of them relative
        return False

    return os.path.normcase(common) == os.path.normcase(os.path.normpath(folder))


def _prefix_of_site_packages(parent: str) -> str:
    """Return the installation prefix above a ``site-packages`` folder's parent."""
    folder = os.path.basename(parent).lower()
    if folder == "lib":  # Windows: prefix/Lib/site-packages
        return os.path.dirname(parent)
    if os.path.basename(os.path.dirname(parent)).lower() == "lib":  # prefix/lib/pythonX.Y/site-packages
        return os.path.dirname(os.path.dirname(parent))

    return parent
