"""The application: ``Costrel``, also named ``Flask``.

Its parts by theme are its bases; here they come together, with its contexts,
its test clients and the beginning of its work.
"""

from __future__ import annotations

import os
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import Forbidden
from werkzeug.utils import cached_property

from costrel._current import current, require_request
from costrel._defaults import DEFAULTS, SAFER_DEFAULTS
from costrel._rendered import Rendered
from costrel._served import Served
from costrel._steps import split_context
from costrel.core.app_methods import DOORS, LIFECYCLE_METHODS, remember_originals
from costrel.core.default_headers import as_headers
from costrel.core.origins import is_cross_origin
from costrel.core.startup import find_weaknesses, refuse_unfit_settings
from costrel.ctx import AppContext, RequestContext
from costrel.sessions import SecureCookieSessionInterface, SessionInterface
from costrel.wrappers import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from costrel.cli.groups import AppGroup
    from costrel.testing import AsyncClient, FlaskClient, FlaskCliRunner, TestApp

__all__ = ["Costrel", "Flask"]


class Costrel(Served, Rendered):
    """A web application: WSGI callable, registry of views and their surroundings.

    Example:
        >>> app = Costrel(__name__)
        >>> @app.get("/")
        ... def index():
        ...     return "hello"
        >>> app.test_client().get("/").text
        'hello'
    """

    default_config = ImmutableDict(DEFAULTS)
    request_class: type[Request] = Request
    session_interface: SessionInterface = SecureCookieSessionInterface()

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
        self._own_methods = self._own_doors = False
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
        return SAFER_DEFAULTS

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in LIFECYCLE_METHODS:
            self._notice_own_methods()
        elif name in DOORS:
            self._notice_own_doors()
        elif name == "url_map" or name == "subdomain_matching":
            self._find_table()

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        if name in LIFECYCLE_METHODS:
            self._notice_own_methods()
        elif name in DOORS:
            self._notice_own_doors()

    def _notice_own_doors(self) -> None:
        object.__setattr__(self, "_own_doors", not DOORS.isdisjoint(self.__dict__))

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

    # Errors, in the log. They are logged from this file because a line of the log names it:
    # operators look for "ERROR in app".

    def log_exception(self, exc_info: Any, *more: Any) -> None:
        """Log an error with the request that met it; override to report it elsewhere."""
        ctx, exc_info = split_context((exc_info, *more))
        request = (ctx or require_request("log_exception()")).request
        self.logger.error(
            "Exception on %s [%s]",
            request.path,
            request.method,
            exc_info=cast("tuple[type[BaseException], BaseException, TracebackType | None]", exc_info),
        )

    def _log_lifespan_error(self, error: BaseException) -> None:
        self.logger.error("Error in a function that goes round serving", exc_info=error)

    def _log_teardown_error(self, error: BaseException) -> None:
        self.logger.error("Another error in teardown", exc_info=error)

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


remember_originals(Costrel)

Flask = Costrel
