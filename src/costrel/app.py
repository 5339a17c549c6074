"""The application: ``Costrel``, also named ``Flask``.

What runs a request is here as methods, because extensions call, wrap and
override them; each only runs its step of ``core/lifecycle.py``.
"""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Callable, Coroutine
from datetime import timedelta
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import Forbidden, HTTPException, NotFound
from werkzeug.routing import BuildError, MapAdapter, RequestRedirect
from werkzeug.utils import cached_property
from werkzeug.wsgi import get_host

from costrel import _proxies
from costrel import typing as ft
from costrel._current import current, require_request
from costrel._missing import MISSING
from costrel._served import Served
from costrel.blueprints import open_relative
from costrel.core import lifecycle, replies
from costrel.core.app_methods import LIFECYCLE_METHODS, own_method, remember_originals
from costrel.core.base_url import read_base_url
from costrel.core.checks.finding import HOSTS_NOT_SETTLED
from costrel.core.default_headers import as_headers
from costrel.core.drive import is_async, run_sync
from costrel.core.files import default_max_age, static_response
from costrel.core.hosts import check_host
from costrel.core.on_loop import may_run_on_loop
from costrel.core.origins import is_cross_origin
from costrel.core.startup import find_weaknesses, is_loopback, refuse_unfit_settings
from costrel.core.views import where_defined
from costrel.ctx import AppContext, RequestContext
from costrel.helpers import get_flashed_messages
from costrel.routing import Map, decode_path
from costrel.sansio.app import App
from costrel.sessions import SecureCookieSessionInterface, SessionInterface
from costrel.wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from costrel._environment import Environment
    from costrel.cli.groups import AppGroup
    from costrel.testing import AsyncClient, FlaskClient, FlaskCliRunner, TestApp

__all__ = ["Costrel", "Flask"]

T = TypeVar("T")

_DEFAULTS: dict[str, Any] = {
    "DEBUG": None,
    "TESTING": False,
    "PROPAGATE_EXCEPTIONS": None,
    "SECRET_KEY": None,
    "SECRET_KEY_FALLBACKS": None,
    "PERMANENT_SESSION_LIFETIME": timedelta(days=31),
    "USE_X_SENDFILE": False,
    "WEBSOCKET_ALLOWED_ORIGINS": None,
    "WEBSOCKET_GROUPS_URL": None,
    "WEBSOCKET_IDLE_TIMEOUT": None,
    "WEBSOCKET_MAX_MESSAGE_SIZE": 1024 * 1024,
    "WEBSOCKET_PING_INTERVAL": 20,
    "WEBSOCKET_SEND_QUEUE_SIZE": 64,
    "TRUSTED_HOSTS": None,
    "TRUSTED_PROXIES": None,
    "TRUSTED_PROXY_HEADERS": ("X-Forwarded-For", "X-Forwarded-Proto"),
    "SERVER_NAME": None,
    "APPLICATION_ROOT": "/",
    "SESSION_COOKIE_NAME": "session",
    "SESSION_COOKIE_DOMAIN": None,
    "SESSION_COOKIE_PATH": None,
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SECURE": False,
    "SESSION_COOKIE_PARTITIONED": False,
    "SESSION_COOKIE_SAMESITE": None,
    "SESSION_REFRESH_EACH_REQUEST": True,
    "MAX_CONTENT_LENGTH": None,
    "MAX_FORM_MEMORY_SIZE": 500_000,
    "MAX_FORM_TOTAL_MEMORY_SIZE": 2_500_000,
    "MAX_FORM_PARTS": 1_000,
    "SEND_FILE_MAX_AGE_DEFAULT": None,
    "TRAP_BAD_REQUEST_ERRORS": None,
    "TRAP_HTTP_EXCEPTIONS": False,
    "EXPLAIN_TEMPLATE_LOADING": False,
    "PREFERRED_URL_SCHEME": "http",
    "TEMPLATES_AUTO_RELOAD": None,
    "MAX_COOKIE_SIZE": 4093,
    "PROVIDE_AUTOMATIC_OPTIONS": True,
    "SECURITY_HEADERS": False,
    "CROSS_ORIGIN_CHECK": False,
    "TRUSTED_ORIGINS": (),
    "STATIC_DOTFILES": True,
    "STATIC_SYMLINKS": True,
    "RELATIVE_REDIRECTS": False,
    "SILENCED_CHECKS": (),
    "BASE_URL": None,
    "REQUEST_TIMEOUT": None,
    "BODY_TIMEOUT": None,
    "BACKGROUND_TASK_SHUTDOWN_TIMEOUT": 5,
}

_SAFER_DEFAULTS: dict[str, Any] = {
    "MAX_CONTENT_LENGTH": 16 * 1024 * 1024,
    "SESSION_COOKIE_SECURE": None,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "SECURITY_HEADERS": True,
    "CROSS_ORIGIN_CHECK": True,
    "STATIC_DOTFILES": False,
    "STATIC_SYMLINKS": False,
    "RELATIVE_REDIRECTS": True,
}


class Costrel(Served, App):
    """A web application: WSGI callable, registry of views and their surroundings.

    Example:
        >>> app = Costrel(__name__)
        >>> @app.get("/")
        ... def index():
        ...     return "hello"
        >>> app.test_client().get("/").text
        'hello'
    """

    default_config = ImmutableDict(_DEFAULTS)
    request_class: type[Request] = Request
    response_class: type[Response] = Response
    session_interface: SessionInterface = SecureCookieSessionInterface()

    _table: Any = None
    """The routing table, where it alone can answer."""

    _host_was_looked_at: bool = False
    """Whether ``_look_at_host`` has nothing more to say."""

    _settings_were_looked_at: bool = False
    """Whether they are found fit for serving."""

    _own_methods: bool = False
    """Whether this instance has a lifecycle method of its own."""

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
            static_url_path=static_url_path,
            static_folder=static_folder,
            static_host=static_host,
            host_matching=host_matching,
            subdomain_matching=subdomain_matching,
            template_folder=template_folder,
            instance_path=instance_path,
            instance_relative_config=instance_relative_config,
            root_path=root_path,
        )
        self._own_methods = False
        if self.has_static_folder:
            if bool(static_host) != host_matching:
                raise AssertionError("Invalid static_host/host_matching combination")
            # A weak reference: the view must not keep an application alive.
            self_ref = weakref.ref(self)
            self.add_url_rule(
                f"{self.static_url_path}/<path:filename>",
                endpoint="static",
                host=static_host,
                view_func=lambda **kw: cast(Costrel, self_ref()).send_static_file(**kw),
            )
        # PERF: 15 ns at each reading of an attribute, which a request does 20 times. CPython 3.11 and
        # 3.12 do not remember where an attribute is in the dict that an instance begins with.
        self.__dict__ = dict(self.__dict__)

    def _own_defaults(self) -> dict[str, Any]:
        return _SAFER_DEFAULTS

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in LIFECYCLE_METHODS:
            self._notice_own_methods()
        elif name == "url_map" or name == "subdomain_matching":
            self._find_table()

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        if name in LIFECYCLE_METHODS:
            self._notice_own_methods()

    def _find_table(self) -> None:
        """Keep the routing table at hand, unless the host of a request matters to routing."""
        url_map = self.__dict__.get("url_map")
        usable = isinstance(url_map, Map) and not self.__dict__.get("subdomain_matching")
        object.__setattr__(self, "_table", cast(Map, url_map).table if usable else None)

    def _notice_own_methods(self) -> None:
        object.__setattr__(self, "_own_methods", not LIFECYCLE_METHODS.isdisjoint(self.__dict__))

    @cached_property
    def cli(self) -> AppGroup:  # type: ignore[override]  # made when first asked for
        """The application's commands, for ``costrel`` on the command line."""
        from costrel.cli.groups import AppGroup  # cost: click, 15 ms, only commands need it

        group = AppGroup()
        group.name = self.name
        for setup in self.extension_setups.values():
            if setup.extension.commands:
                group.add_lazy(setup.extension.commands)

        return group

    # Serving.

    def app_context(self) -> AppContext:
        """Create a context of this application, to use in a ``with`` block."""
        return AppContext(self)

    def context_for(self, /, **values: Any) -> AppContext:
        """Create a context of this application for a job, with values in ``g`` from the start.

        For a thread, a task or an executor, in a ``with`` or ``async with``
        block of the function that runs there.

        Args:
            **values: What the job finds as attributes of ``g``.

        Example:
            >>> from concurrent.futures import ThreadPoolExecutor
            >>> from costrel import Costrel, current_app, g
            >>> app = Costrel("shop")
            >>> def greet(user):
            ...     with app.context_for(user=user):
            ...         return f"{current_app.name} greets {g.user}"
            >>> with ThreadPoolExecutor() as pool:
            ...     pool.submit(greet, "ada").result()
            'shop greets ada'
        """
        ctx = self.app_context()
        for name, value in values.items():
            setattr(ctx.g, name, value)

        return ctx

    def request_context(self, environ: WSGIEnvironment) -> RequestContext:
        """Create the context of a request; ``test_request_context`` makes the environment too."""
        return RequestContext(self, environ)

    def test_request_context(self, *args: Any, **kwargs: Any) -> RequestContext:
        """Create the context of a made-up request, to use in a ``with`` block.

        Takes what ``werkzeug.test.EnvironBuilder`` takes, a path first.
        """
        from costrel.testing import EnvironBuilder  # cost: only tests need it

        builder = EnvironBuilder(self, *args, **kwargs)
        try:
            environ = builder.get_environ()
        finally:
            builder.close()

        return self.request_context(environ)

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> FlaskClient:
        """Create a client that calls this application directly.

        Args:
            use_cookies: Keep cookies between requests.
            **kwargs: ``protocol="asgi"``, and what a ``test_client_class`` of your own takes.
        """
        from costrel.testing import FlaskClient  # cost: only tests need it

        cls = self.test_client_class or FlaskClient

        return cast("FlaskClient", cls(self, self.response_class, use_cookies=use_cookies, **kwargs))

    def async_test_client(
        self, use_cookies: bool = True, *, protocol: str = "asgi", **kwargs: Any
    ) -> AsyncClient:
        """Create a client for tests that run on an event loop: ``await client.get("/")``.

        It is Quart's ``app.test_client()``.

        Args:
            use_cookies: Keep cookies between requests.
            protocol: ``"wsgi"`` to call the application in a worker thread instead.
            **kwargs: As for ``test_client``, whose client does the work.
        """
        from costrel.testing import AsyncClient  # cost: only tests need it

        return AsyncClient(self.test_client(use_cookies, protocol=protocol, **kwargs))

    def test_app(self) -> TestApp:
        """Serve in a ``with`` or ``async with`` block: what goes before and after serving is done."""
        from costrel.testing import TestApp  # cost: only tests need it

        return TestApp(self)

    def test_cli_runner(self, **kwargs: Any) -> FlaskCliRunner:
        """Create a runner that invokes the application's commands."""
        from costrel.testing import FlaskCliRunner  # cost: only tests need it

        cls = self.test_cli_runner_class or FlaskCliRunner

        return cast("FlaskCliRunner", cls(self, **kwargs))

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: Any,
    ) -> None:
        """Run the development server; not for production.

        Args:
            host: Address to listen on; ``127.0.0.1`` unless ``SERVER_NAME`` says otherwise.
            port: Port to listen on; 5000 unless ``SERVER_NAME`` says otherwise.
            debug: Turn debug mode on or off.
            load_dotenv: Read ``.env`` and its kin first.
            **options: For ``werkzeug.serving.run_simple``.
        """
        from costrel.serving.development import run  # cost: the server, only this needs it

        run(self, host=host, port=port, debug=debug, load_dotenv=load_dotenv, **options)

    def _begin(self) -> None:
        """Look at the settings and begin to serve, before the first request is answered.

        Raises:
            ConfigError: If the application must not serve with these settings.
            Exception: What a function of ``before_serving`` raised; the next request tries again.
        """
        self._look_at_settings()
        if self._serving is not None or self._has_lifespan():
            from costrel.serving.lifespan import begin_for  # for cost: asyncio

            begin_for(self, current.get(None))
        else:
            self._got_first_request = True

    def _look_at_settings(self) -> None:
        """Look at the settings, once.

        Raises:
            ConfigError: If the application must not serve with them.
        """
        if self._settings_were_looked_at:
            return

        refuse_unfit_settings(self.config)
        if self._is_native_production() and not self._was_checked:
            for weakness in find_weaknesses(self.config):
                self.logger.warning("%s", weakness)
        self._settings_were_looked_at = True

    def _is_native_production(self) -> bool:
        """Whether to warn of what is unsafe in production; Flask's applications are used to no such lines."""
        return not (self.debug or self.testing or self._flask_defaults)

    # The steps of a request. Each accepts the context first, as Flask 3.2 does.

    def full_dispatch_request(self, ctx: Any = None) -> Response:
        """Run hooks, view and error handlers, and return the finished response."""
        return cast(Response, self._run(lifecycle.full_dispatch_request, ctx))

    def preprocess_request(self, ctx: Any = None) -> ft.ResponseReturnValue | None:
        """Run URL preprocessors and ``before_request`` hooks; return what ends the request."""
        return cast("ft.ResponseReturnValue | None", self._run(lifecycle.preprocess_request, ctx))

    def dispatch_request(self, ctx: Any = None) -> ft.ResponseReturnValue:
        """Call the view of the request and return its value."""
        return cast("ft.ResponseReturnValue", self._run(lifecycle.dispatch_request, ctx))

    def finalize_request(self, rv: Any, *more: Any, from_error_handler: bool = False) -> Response:
        """Make the response of a view's value, and run the hooks on it."""
        ctx, rv, *rest = _split((rv, *more))
        rest = rest or [from_error_handler]

        return cast(Response, self._run(lifecycle.finalize_request, ctx, rv, *rest))

    def process_response(self, response: Any, *more: Any) -> Response:
        """Run ``after_request`` hooks and save the session."""
        ctx, response = _split((response, *more))

        return cast(Response, self._run(lifecycle.process_response, ctx, response))

    def handle_http_exception(self, e: Any, *more: Any) -> HTTPException | ft.ResponseReturnValue:
        """Let the handlers answer an ``HTTPException``; without one it is the answer."""
        ctx, e = _split((e, *more))

        return cast(
            "HTTPException | ft.ResponseReturnValue", self._run(lifecycle.handle_http_exception, ctx, e)
        )

    def handle_user_exception(self, e: Any, *more: Any) -> HTTPException | ft.ResponseReturnValue:
        """Let the handlers answer an error of a view or hook.

        Raises:
            Exception: The same error, if no handler takes it.
        """
        ctx, e = _split((e, *more))

        return cast(
            "HTTPException | ft.ResponseReturnValue", self._run(lifecycle.handle_user_exception, ctx, e)
        )

    def handle_exception(self, e: Any, *more: Any) -> Response:
        """Answer an error that no handler took: log it, and make the 500.

        Raises:
            Exception: The same error, in debug mode and in tests.
        """
        ctx, e = _split((e, *more))

        return cast(Response, self._run(lifecycle.handle_exception, ctx, e))

    def log_exception(self, exc_info: Any, *more: Any) -> None:
        """Log an error with the request that met it; override to report it elsewhere."""
        ctx, exc_info = _split((exc_info, *more))
        request = (ctx or require_request("log_exception()")).request
        self.logger.error(
            "Exception on %s [%s]",
            request.path,
            request.method,
            exc_info=cast("tuple[type[BaseException], BaseException, TracebackType | None]", exc_info),
        )

    def do_teardown_request(self, exc: Any = None, *more: Any) -> None:
        """Run the ``teardown_request`` functions; ``pop`` of the context calls this."""
        ctx, exc = _split((exc, *more))
        self._run(lifecycle.do_teardown_request, ctx, exc)

    def do_teardown_appcontext(self, exc: Any = None, *more: Any) -> None:
        """Run the ``teardown_appcontext`` functions; ``pop`` of the context calls this."""
        ctx, exc = _split((exc, *more))
        run_sync(lifecycle.do_teardown_appcontext(ctx or _OnlyApp(self), exc), self.ensure_sync)

    def _log_lifespan_error(self, error: BaseException) -> None:
        self.logger.error("Error in a function that goes round serving", exc_info=error)

    def _log_teardown_error(self, error: BaseException) -> None:
        self.logger.error("Another error in teardown", exc_info=error)

    def _run(self, step: Callable[..., Any], ctx: Any, *args: Any) -> Any:
        if ctx is None:
            ctx = cast(Any, require_request(f"{step.__name__}()"))._request_scope

        return run_sync(step(ctx, *args), self.ensure_sync)

    def raise_routing_exception(self, request: Request) -> NoReturn:
        """Raise what routing found instead of a view; in debug mode, explain a lost form."""
        error = request.routing_exception
        if (
            not self.debug
            or not isinstance(error, RequestRedirect)
            or error.code in {307, 308}
            or request.method in {"GET", "HEAD", "OPTIONS"}
        ):
            raise cast(BaseException, error)

        from costrel.debughelpers import FormDataRoutingRedirect  # for cost: 0.2 ms, only debug mode

        raise FormDataRoutingRedirect(request)

    def make_default_options_response(self, ctx: Any = None) -> Response:
        """Make the answer to ``OPTIONS`` that lists the methods."""
        scope = ctx or cast(Any, require_request("make_default_options_response()"))._request_scope
        response = self.response_class()
        response.allow.update(scope.url_adapter.allowed_methods())

        return response

    def make_response(self, rv: Any) -> Response:
        """Turn what a view returned into a response.

        Raises:
            TypeError: If it is nothing that a view may return.
        """
        kind = type(rv)
        if kind is self.response_class:
            return cast(Response, rv)
        if kind is str or kind is bytes:
            return self.response_class(rv)
        if kind is dict or kind is list:
            return cast(Response, self.json.response(rv))

        ctx: Any = current.get(None)
        scope = None if ctx is None else ctx._request_scope
        return cast(
            Response,
            replies.make_response(
                rv,
                response_class=self.response_class,
                to_json=self.json.response,
                environ=None if scope is None else scope.environ,
                view=lambda: _describe_view(self, scope),
            ),
        )

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that can be called from synchronous code; override with ``async_to_sync``."""
        if is_async(func):
            return self.async_to_sync(func)

        return func

    def async_to_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that runs a coroutine function on the process's event loop."""
        from costrel.serving.offload import async_to_sync  # for cost: 0.2 ms, only async views

        return async_to_sync(func)

    def _finish(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end from synchronous code, on the loop that is kept for that."""
        from costrel.serving.offload import finish  # for cost, as above

        return cast(T, finish(coroutine))

    # Routing and URLs.

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Create Werkzeug's adapter for a request; without one for ``BASE_URL``, or for ``SERVER_NAME``.

        Raises:
            ConfigError: If ``BASE_URL`` is no address.
            SecurityError: If the request's host is not one of ``TRUSTED_HOSTS``.
        """
        config = self.config
        if request is not None:
            trusted = config["TRUSTED_HOSTS"]
            if trusted is not None:
                request.trusted_hosts = trusted
            request.host = get_host(request.environ, request.trusted_hosts)  # raises for a host that is not
            server_name, subdomain = config["SERVER_NAME"], None
            if self.url_map.host_matching:
                server_name = None
            elif not self.subdomain_matching:
                subdomain = self.url_map.default_subdomain or ""
            elif server_name is not None:
                expected = _as_host(server_name, request.scheme)
                if not _is_below(request.host, expected):
                    self._warn_of_other_name(request.host.lower(), expected)
                    subdomain = "<invalid>"  # what Werkzeug takes for it: no rule matches
            adapter = self.url_map.bind_to_environ(
                request.environ, server_name=server_name, subdomain=subdomain
            )
            return cast(MapAdapter, adapter)

        if config.get("BASE_URL") is not None:
            base = read_base_url(config["BASE_URL"])
            return cast(MapAdapter, self.url_map.bind(base.host, base.root, url_scheme=base.scheme))
        if config["SERVER_NAME"] is not None:
            adapter = self.url_map.bind(
                config["SERVER_NAME"],
                script_name=config["APPLICATION_ROOT"],
                url_scheme=config["PREFERRED_URL_SCHEME"],
            )
            return cast(MapAdapter, adapter)

        return None

    def _warn_of_other_name(self, host: str, server_name: str) -> None:
        # Named as Flask's module, because its users filter the warning so.
        warnings.warn_explicit(
            f"Current server name {host!r} doesn't match configured server name {server_name!r}",
            UserWarning,
            filename=__file__,
            lineno=0,
            module="flask.app" if self._flask_defaults else __name__,
        )

    def _route(self, ctx: RequestContext) -> None:
        """Find the rule of a request, or the error that says why there is none.

        The compiled table answers the usual request; Werkzeug's adapter what
        the table leaves open.
        """
        environ = ctx.environ
        table = self._table
        if (
            table is not None
            and ctx._url_adapter is MISSING
            and "HTTP_UPGRADE" not in environ
            and own_method(self, "create_url_adapter") is None
        ):
            try:
                check_host(environ, self.config["TRUSTED_HOSTS"])
            except HTTPException as error:
                self._note_route(ctx, None, error)
                return
            match = table.match(environ["REQUEST_METHOD"], decode_path(environ))
            if match is not None:
                ctx._match = match
                if ctx._request is not None:
                    ctx._request.url_rule, ctx._request.view_args = match
                return
            if table.lacks(decode_path(environ)):
                self._note_route(ctx, None, NotFound())
                return

        adapter = ctx.url_adapter
        if adapter is None:
            return

        try:
            self._note_route(ctx, adapter.match(return_rule=True), None)
        except HTTPException as error:
            if isinstance(error, RequestRedirect) and self.config.get("RELATIVE_REDIRECTS"):
                error.new_url = _relative_to(error.new_url, ctx.request.host_url)
            self._note_route(ctx, None, error)

    def _note_route(self, ctx: RequestContext, match: Any, error: HTTPException | None) -> None:
        """Keep what routing found, on the context and on the request if there is one already."""
        request = ctx._request
        if error is not None:
            ctx._routing_error = error
            if request is not None:
                request.routing_exception = error
        else:
            ctx._match = match
            if request is not None:
                request.url_rule, request.view_args = match

    def url_for(
        self,
        /,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: Any,
    ) -> str:
        """Build the URL of an endpoint.

        Args:
            endpoint: Its name; a leading dot means the request's blueprint.
            _anchor: Appended as ``#anchor``.
            _method: Prefer the rule for this method.
            _scheme: Scheme of an external URL.
            _external: Whole URL with scheme and host. Default: only outside
                of a request.
            **values: For the variables of the rule; the rest becomes the query.

        Raises:
            RuntimeError: Outside of a request without ``BASE_URL`` or ``SERVER_NAME``.
            BuildError: If no rule takes these values.
        """
        ctx: Any = current.get(None)
        scope = None if ctx is None else ctx._request_scope
        if scope is not None and endpoint[:1] == ".":
            blueprint = scope.request.blueprint
            endpoint = f"{blueprint}{endpoint}" if blueprint is not None else endpoint[1:]
        if _external is None:
            _external = _scheme is not None or scope is None
        if _scheme is not None and not _external:
            raise ValueError("When specifying '_scheme', '_external' must be True.")

        url: str | None
        if scope is not None and not _external:
            self.inject_url_defaults(endpoint, values)
            url = self._path_for(scope, endpoint, values, _method)
            if url is not None:
                return url if _anchor is None else url + self._url_suffix(_anchor)
            adapter = scope.url_adapter
        else:
            adapter = self._adapter_for(ctx, scope)
            self.inject_url_defaults(endpoint, values)

        try:
            built: str = adapter.build(
                endpoint, values, method=_method, url_scheme=_scheme, force_external=_external
            )
        except BuildError as error:
            values.update(_anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external)
            from costrel.routing.suggest import ExplainedBuildError  # for cost: 1 ms

            explained = ExplainedBuildError.of(error).with_traceback(error.__traceback__)
        else:
            return built if _anchor is None else built + self._url_suffix(_anchor)

        return self.handle_url_build_error(explained, endpoint, values)

    def _path_for(self, scope: Any, endpoint: str, values: dict[str, Any], method: str | None) -> str | None:
        """Build the path of an endpoint by its plan; ``None`` is for Werkzeug to answer."""
        url_map = self.url_map
        if self._table is None:
            return None

        path: str | None = url_map.urls.build(endpoint, values, method)
        root: str | None = scope.environ.get("SCRIPT_NAME")
        if path is None or not root:
            return path

        return root.encode("latin1").decode(errors="replace").rstrip("/") + path

    def _adapter_for(self, ctx: Any, scope: Any) -> MapAdapter:
        """Return what builds whole URLs here.

        Raises:
            RuntimeError: If nothing says for which host.
        """
        adapter = (scope or ctx).url_adapter if ctx is not None else self.create_url_adapter(None)
        if adapter is None:
            raise RuntimeError(
                "Unable to build URLs outside an active request without 'SERVER_NAME' configured. Also"
                " configure 'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed. Or all three in one:"
                " BASE_URL = 'https://shop.example/app'."
            )
        if scope is not None and not self._host_was_looked_at:
            self._look_at_host(scope.request.host)

        return cast(MapAdapter, adapter)

    def _look_at_host(self, host: str) -> None:
        """Warn, once, where a whole URL names a host that the client chose."""
        config = self.config
        if is_loopback(host):
            return

        self._host_was_looked_at = True
        if self._is_native_production() and not config["TRUSTED_HOSTS"] and config["SERVER_NAME"] is None:
            if HOSTS_NOT_SETTLED in (config.get("SILENCED_CHECKS") or ()):
                return
            self.logger.warning(
                "url_for() built a whole URL with the host of the request, %r. Any client can send another"
                " one, and have it in the mails and pages made of it. Set TRUSTED_HOSTS = [%r]"
                " or SERVER_NAME. (%s)",
                host,
                host,
                HOSTS_NOT_SETTLED,
            )

    # Session, safety.

    def _session_is_lazy(self) -> bool:
        """Whether the session may be opened when it is first used."""
        # An interface may be any object with the two methods.
        return getattr(self.session_interface, "opens_late", False)

    def _session_is_awaited(self) -> bool:
        """Whether the session may be opened late, but async code must not wait for it by blocking."""
        interface = self.session_interface
        return getattr(interface, "aopen_session", None) is not None and self._session_is_lazy()

    def _session_may_need_saving(self, environ: Any) -> bool:
        """Whether a session that nobody used may still have to be written."""
        interface = self.session_interface
        if type(interface) is SecureCookieSessionInterface or self._session_is_lazy():
            return interface.needs_save(self, environ)

        return True

    def _refuse_cross_origin(self, ctx: RequestContext) -> None:
        """Refuse a request that another site made the browser send.

        Raises:
            Forbidden: If ``CROSS_ORIGIN_CHECK`` is on and the request is one.
        """
        config = self.config
        if config.get("CROSS_ORIGIN_CHECK") and is_cross_origin(
            ctx.environ, config.get("TRUSTED_ORIGINS") or ()
        ):
            raise Forbidden("This request was sent by another site.")

    def _default_headers(self) -> tuple[tuple[str, str], ...]:
        """Return ``SECURITY_HEADERS``, to be added where the application set none of that name."""
        return as_headers(self.config["SECURITY_HEADERS"])

    # Files and templates.

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

        if "update_template_context" in self.__dict__ or (
            type(self).update_template_context is not Costrel.update_template_context
        ):
            await in_thread(self.update_template_context, context)
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


class _OnlyApp:
    """Stands for a context where only the application is asked for."""

    def __init__(self, app: Costrel) -> None:
        self.app = app


def _describe_view(app: Costrel, scope: Any) -> tuple[str, str]:
    """Name the view of a request, and the place where it is defined."""
    endpoint = None if scope is None else scope.request.endpoint
    if endpoint is None:
        return "the request", ""

    return repr(endpoint), where_defined(app.view_functions.get(endpoint))


def _as_host(server_name: str, scheme: str) -> str:
    """Write ``SERVER_NAME`` as the host of a request is written: without the scheme's usual port."""
    return server_name.lower().removesuffix(":443" if scheme in {"https", "wss"} else ":80")


def _is_below(host: str, server_name: str) -> bool:
    """Tell whether a host is ``SERVER_NAME``, as ``_as_host`` writes it, or a subdomain of it."""
    host = host.lower()

    return host == server_name or host.endswith(f".{server_name}")


def _relative_to(url: str, host_url: str) -> str:
    """Take scheme and host off a URL of this host."""
    if not url.startswith(host_url):
        return url

    # SECURITY: a path that began with two slashes would name another host.
    return "/" + url[len(host_url) :].lstrip("/\\")


def _split(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Sort arguments of either style into context (or ``None``) and the rest."""
    if isinstance(args[0], AppContext):
        ctx, *rest = args
        return (ctx, *(rest or (None,)))

    return (None, *args)


remember_originals(Costrel)

Flask = Costrel
