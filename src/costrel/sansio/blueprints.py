"""Blueprints: a recorded set of routes, hooks and handlers, replayed on an application.

Knows how registration works; serving their static files is in ``costrel.blueprints``.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar

from costrel import typing as ft
from costrel.core.views import caller_place
from costrel.sansio.hooks import BlueprintHooks
from costrel.sansio.lifespan import BlueprintLifespan
from costrel.sansio.scaffold import Scaffold, _endpoint_from_view_func, setupmethod
from costrel.sansio.sockets import BlueprintSockets

__all__ = ["Blueprint", "BlueprintSetupState"]

DeferredSetupFunction = Callable[["BlueprintSetupState"], None]
T_template_context_processor = TypeVar(
    "T_template_context_processor", bound=ft.TemplateContextProcessorCallable
)
T_template_filter = TypeVar("T_template_filter", bound=ft.TemplateFilterCallable)
T_template_global = TypeVar("T_template_global", bound=ft.TemplateGlobalCallable)
T_template_test = TypeVar("T_template_test", bound=ft.TemplateTestCallable)
T_url_defaults = TypeVar("T_url_defaults", bound=ft.URLDefaultCallable)


class BlueprintSetupState:
    """One registration of a blueprint on an application.

    Functions given to ``Blueprint.record`` receive it.
    """

    def __init__(self, blueprint: Blueprint, app: Any, options: Any, first_registration: bool) -> None:
        self.app = app
        self.blueprint = blueprint
        self.options = options
        self.first_registration = first_registration

        subdomain = options.get("subdomain")
        self.subdomain = blueprint.subdomain if subdomain is None else subdomain
        url_prefix = options.get("url_prefix")
        self.url_prefix = blueprint.url_prefix if url_prefix is None else url_prefix
        self.name = options.get("name", blueprint.name)
        self.name_prefix = options.get("name_prefix", "")
        self.url_defaults = {**blueprint.url_values_defaults, **(options.get("url_defaults") or {})}

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        **options: Any,
    ) -> None:
        """Add a rule to the application, under the blueprint's prefix and name."""
        if self.url_prefix is not None:
            rule = "/".join((self.url_prefix.rstrip("/"), rule.lstrip("/"))) if rule else self.url_prefix
        options.setdefault("subdomain", self.subdomain)
        if endpoint is None:
            endpoint = _endpoint_from_view_func(view_func)  # type: ignore[arg-type]  # it says what is missing
        defaults = self.url_defaults
        if "defaults" in options:
            defaults = {**defaults, **options.pop("defaults")}

        self.app.add_url_rule(
            rule,
            f"{self.name_prefix}.{self.name}.{endpoint}".lstrip("."),
            view_func,
            defaults=defaults,
            **options,
        )


class Blueprint(BlueprintLifespan, BlueprintSockets, BlueprintHooks, Scaffold):
    """A set of routes, hooks and handlers to register on an application later.

    Args:
        name: Put in front of each endpoint; unique in an application.
        import_name: The module this belongs to, usually ``__name__``.
        static_folder: Folder of static files, served under the prefix.
        static_url_path: Their URL; the folder's name by default.
        template_folder: Searched after the application's.
        url_prefix: Put in front of each rule.
        subdomain: Subdomain that the rules match on.
        url_defaults: Default values of the rules' variables.
        root_path: Found from ``import_name`` when not given.
        cli_group: Name of the command group; ``None`` puts the commands at
            the top level. Default: the blueprint's name.
    """

    _got_registered_once = False

    def __init__(
        self,
        name: str,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        url_prefix: str | None = None,
        subdomain: str | None = None,
        url_defaults: dict[str, Any] | None = None,
        root_path: str | None = None,
        cli_group: str | None = ...,  # type: ignore[assignment]  # Flask's marker for "not given"
    ) -> None:
        super().__init__(
            import_name=import_name,
            static_folder=static_folder,
            static_url_path=static_url_path,
            template_folder=template_folder,
            root_path=root_path,
        )
        if not name:
            raise ValueError("'name' may not be empty.")
        if "." in name:
            raise ValueError("'name' may not contain a dot '.' character.")

        self.name = name
        self._made_at = caller_place()
        self.url_prefix = url_prefix
        self.subdomain = subdomain
        self.deferred_functions: list[DeferredSetupFunction] = []
        self.url_values_defaults = {} if url_defaults is None else url_defaults
        self.cli_group = cli_group
        self._blueprints: list[tuple[Blueprint, dict[str, Any]]] = []
        self._start_socket_tables()

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_registered_once:
            raise AssertionError(
                f"The setup method '{f_name}' can no longer be called on the blueprint '{self.name}'."
                " It was registered already, so the change would not reach the application.\n"
                "Set up the blueprint completely before app.register_blueprint() is called."
            )

    @setupmethod
    def record(self, func: DeferredSetupFunction) -> None:
        """Call the function with the setup state at each registration."""
        self.deferred_functions.append(func)

    @setupmethod
    def record_once(self, func: DeferredSetupFunction) -> None:
        """Call the function with the setup state at the first registration only."""

        def wrapper(state: BlueprintSetupState) -> None:
            if state.first_registration:
                func(state)

        self.record(update_wrapper(wrapper, func))

    def make_setup_state(
        self, app: Any, options: dict[str, Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        """Create the state of one registration; override to use a subclass."""
        return BlueprintSetupState(self, app, options, first_registration)

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Nest another blueprint in this one; options as for the application's.

        Raises:
            ValueError: If a blueprint is nested in itself.
        """
        if blueprint is self:
            raise ValueError("Cannot register a blueprint on itself")

        self._blueprints.append((blueprint, options))

    def register(self, app: Any, options: dict[str, Any]) -> None:
        """Register on an application; ``app.register_blueprint`` calls it.

        Args:
            app: The application.
            options: ``url_prefix``, ``subdomain``, ``url_defaults``, ``name``.

        Raises:
            ValueError: If the name is taken in the application.
        """
        name = self._registered_name(options)
        self._refuse_taken_name(app, name)
        first_registration = not any(bp is self for bp in app.blueprints.values())
        first_under_name = name not in app.blueprints
        app.blueprints[name] = self
        self._got_registered_once = True
        state = self.make_setup_state(app, options, first_registration)

        if self.has_static_folder:
            state.add_url_rule(
                f"{self.static_url_path}/<path:filename>",
                view_func=self.send_static_file,  # type: ignore[attr-defined]  # costrel.blueprints has it
                endpoint="static",
            )
        if first_registration or first_under_name:
            self._merge_blueprint_funcs(app, name)
        for deferred in self.deferred_functions:
            deferred(state)

        self._add_commands(app, name, options)
        for blueprint, nested_options in self._blueprints:
            blueprint.register(app, _nested_options(state, blueprint, nested_options, name))

    def _registered_name(self, options: dict[str, Any]) -> str:
        name_prefix = options.get("name_prefix", "")
        return f"{name_prefix}.{options.get('name', self.name)}".lstrip(".")

    def _refuse_taken_name(self, app: Any, name: str) -> None:
        taken = app.blueprints.get(name)
        if taken is not None:
            if taken is self:
                existing, places = "this blueprint", f"\n  made at: {self._made_at}"
            else:
                existing = "a different blueprint"
                places = f"\n  the first:  {taken._made_at}\n  the second: {self._made_at}"
            raise ValueError(
                f"The name '{name}' is already registered for {existing}. Use 'name=' to provide a unique"
                f" name, as in register_blueprint(..., name={name.rpartition('.')[2] + '_2'!r}).{places}"
            )

    def _add_commands(self, app: Any, name: str, options: dict[str, Any]) -> None:
        """Hang this blueprint's commands into the application's command group."""
        if not self.cli.commands:
            return

        group = options.get("cli_group", self.cli_group)
        if group is None:
            app.cli.commands.update(self.cli.commands)
            return

        self.cli.name = name if group is ... else group
        app.cli.add_command(self.cli)

    def _merge_blueprint_funcs(self, app: Any, name: str) -> None:
        """Copy hooks, handlers and views into the application's tables, under this name."""

        def extend(
            own: dict[ft.AppOrBlueprintKey, list[Any]], parent: dict[ft.AppOrBlueprintKey, list[Any]]
        ) -> None:
            for key, values in own.items():
                parent[name if key is None else f"{name}.{key}"].extend(values)

        for key, by_code in self.error_handler_spec.items():
            scope = name if key is None else f"{name}.{key}"
            app.error_handler_spec[scope] = defaultdict(
                dict, {code: dict(by_class) for code, by_class in by_code.items()}
            )
        for endpoint, func in self.view_functions.items():
            app.view_functions[endpoint] = func

        extend(self.before_request_funcs, app.before_request_funcs)
        extend(self.before_unsafe_request_funcs, app.before_unsafe_request_funcs)
        extend(self.after_request_funcs, app.after_request_funcs)
        extend(self.teardown_request_funcs, app.teardown_request_funcs)
        extend(self.url_default_functions, app.url_default_functions)
        extend(self.url_value_preprocessors, app.url_value_preprocessors)
        extend(self.template_context_processors, app.template_context_processors)
        extend(self.before_websocket_funcs, app.before_websocket_funcs)
        extend(self.after_websocket_funcs, app.after_websocket_funcs)
        extend(self.teardown_websocket_funcs, app.teardown_websocket_funcs)

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Record a URL rule; see ``Scaffold.add_url_rule``.

        Raises:
            ValueError: If the endpoint's or the view's name contains a dot.
        """
        if endpoint and "." in endpoint:
            raise ValueError("'endpoint' may not contain a dot '.' character.")
        if view_func and "." in getattr(view_func, "__name__", ""):
            raise ValueError("'view_func' name may not contain a dot '.' character.")

        self.record(
            lambda s: s.add_url_rule(
                rule, endpoint, view_func, provide_automatic_options=provide_automatic_options, **options
            )
        )

    @setupmethod
    def app_template_filter(
        self, name: str | None = None
    ) -> Callable[[T_template_filter], T_template_filter]:
        """Register a template filter for the whole application."""

        def decorator(f: T_template_filter) -> T_template_filter:
            self.add_app_template_filter(f, name=name)
            return f

        return _bare_or_called(name, decorator)  # type: ignore[no-any-return]  # bare, it is the function

    @setupmethod
    def add_app_template_filter(self, f: ft.TemplateFilterCallable, name: str | None = None) -> None:
        """Register a template filter for the whole application; as a call."""
        self.record_once(lambda s: s.app.add_template_filter(f, name=_given(name)))

    @setupmethod
    def app_template_test(self, name: str | None = None) -> Callable[[T_template_test], T_template_test]:
        """Register a template test for the whole application."""

        def decorator(f: T_template_test) -> T_template_test:
            self.add_app_template_test(f, name=name)
            return f

        return _bare_or_called(name, decorator)  # type: ignore[no-any-return]  # bare, it is the function

    @setupmethod
    def add_app_template_test(self, f: ft.TemplateTestCallable, name: str | None = None) -> None:
        """Register a template test for the whole application; as a call."""
        self.record_once(lambda s: s.app.add_template_test(f, name=_given(name)))

    @setupmethod
    def app_template_global(
        self, name: str | None = None
    ) -> Callable[[T_template_global], T_template_global]:
        """Register a template global for the whole application."""

        def decorator(f: T_template_global) -> T_template_global:
            self.add_app_template_global(f, name=name)
            return f

        return _bare_or_called(name, decorator)  # type: ignore[no-any-return]  # bare, it is the function

    @setupmethod
    def add_app_template_global(self, f: ft.TemplateGlobalCallable, name: str | None = None) -> None:
        """Register a template global for the whole application; as a call."""
        self.record_once(lambda s: s.app.add_template_global(f, name=_given(name)))

    @setupmethod
    def app_context_processor(self, f: T_template_context_processor) -> T_template_context_processor:
        """Add values to every template of the application."""
        self._on_app("template_context_processors", f)
        return f

    @setupmethod
    def app_url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """Call the function for every URL the application builds."""
        self._on_app("url_default_functions", f)
        return f


def _given(name: Any) -> str | None:
    """Return the name, unless the decorator was used bare and got its function there."""
    return None if callable(name) else name


def _bare_or_called(name: Any, decorator: Callable[[Any], Any]) -> Any:
    """Serve ``@bp.app_template_filter`` as well as ``@bp.app_template_filter()``."""
    return decorator(name) if callable(name) else decorator


def _nested_options(
    state: BlueprintSetupState, blueprint: Blueprint, options: dict[str, Any], name: str
) -> dict[str, Any]:
    """Combine prefix and subdomain of a nested blueprint with its parent's."""
    options = dict(options)
    subdomain = options.get("subdomain")
    if subdomain is None:
        subdomain = blueprint.subdomain
    if state.subdomain is not None and subdomain is not None:
        options["subdomain"] = f"{subdomain}.{state.subdomain}"
    elif state.subdomain is not None or subdomain is not None:
        options["subdomain"] = state.subdomain if subdomain is None else subdomain

    prefix = options.get("url_prefix")
    if prefix is None:
        prefix = blueprint.url_prefix
    if state.url_prefix is not None and prefix is not None:
        options["url_prefix"] = f"{state.url_prefix.rstrip('/')}/{prefix.lstrip('/')}"
    elif state.url_prefix is not None or prefix is not None:
        options["url_prefix"] = state.url_prefix if prefix is None else prefix
    options["name_prefix"] = name

    return options
