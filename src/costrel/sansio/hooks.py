"""Registration of the hooks round views, and of error handlers, on applications and blueprints.

Only fills tables. Each registrar takes a function, or works as a decorator,
bare or with ``sync_to_thread=False``: under ASGI a synchronous function is then
called on the event loop, with no way to a worker thread and back. That is for
functions that do not block: which ask no database, file or other server.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, overload

from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.utils import cached_property

from costrel import typing as ft
from costrel._missing import MISSING
from costrel.core.registering import register
from costrel.sansio.setup_method import setupmethod

__all__ = ["AppHooks", "BlueprintHooks", "Hooks"]

T_after_request = TypeVar("T_after_request", bound=ft.AfterRequestCallable[Any])
T_before_request = TypeVar("T_before_request", bound=ft.BeforeRequestCallable)
T_error_fallback = TypeVar("T_error_fallback", bound=Callable[[Exception], HTTPException | None])
T_error_handler = TypeVar("T_error_handler", bound=ft.ErrorHandlerCallable)
T_teardown = TypeVar("T_teardown", bound=ft.TeardownCallable)
T_url_value_preprocessor = TypeVar("T_url_value_preprocessor", bound=ft.URLValuePreprocessorCallable)


class Hooks:
    """What fills the tables of hooks; the tables are those of ``Scaffold``."""

    before_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.BeforeRequestCallable]]
    before_unsafe_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.BeforeRequestCallable]]
    after_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.AfterRequestCallable[Any]]]
    teardown_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.TeardownCallable]]
    url_value_preprocessors: dict[ft.AppOrBlueprintKey, list[ft.URLValuePreprocessorCallable]]
    error_handler_spec: dict[
        ft.AppOrBlueprintKey, dict[int | None, dict[type[Exception], ft.ErrorHandlerCallable]]
    ]

    @overload
    def before_request(
        self, f: T_before_request, *, sync_to_thread: bool | None = None
    ) -> T_before_request: ...
    @overload
    def before_request(
        self, *, sync_to_thread: bool | None = None
    ) -> Callable[[T_before_request], T_before_request]: ...
    @setupmethod
    def before_request(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function before each view; a value that is not ``None`` is the answer.

        Args:
            f: The function.
            sync_to_thread: ``False`` for a synchronous function that does not
                block: under ASGI it needs no worker thread.

        Example:
            >>> from costrel import Costrel, g, request
            >>> app = Costrel("shop")
            >>> @app.before_request(sync_to_thread=False)
            ... def choose_language():
            ...     g.language = request.accept_languages.best_match(["en", "de"])
        """
        return register(self.before_request_funcs.setdefault(None, []).append, f, sync_to_thread)

    @overload
    def before_unsafe_request(
        self, f: T_before_request, *, sync_to_thread: bool | None = None
    ) -> T_before_request: ...
    @overload
    def before_unsafe_request(
        self, *, sync_to_thread: bool | None = None
    ) -> Callable[[T_before_request], T_before_request]: ...
    @setupmethod
    def before_unsafe_request(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function before each view, and all ``before_request`` functions, if the method is unsafe.

        That is each method but ``GET``, ``HEAD``, ``OPTIONS`` and ``TRACE``,
        requests by which cost nothing for it. Else it is as ``before_request``.

        Example:
            >>> from costrel import Costrel, abort
            >>> app = Costrel("shop")
            >>> @app.before_unsafe_request(sync_to_thread=False)
            ... def refuse_writes():
            ...     abort(503, "The shop is being moved. Come back in an hour.")
            >>> app.test_client().post("/order").status_code
            503
        """
        return register(self.before_unsafe_request_funcs.setdefault(None, []).append, f, sync_to_thread)

    @overload
    def after_request(self, f: T_after_request, *, sync_to_thread: bool | None = None) -> T_after_request: ...
    @overload
    def after_request(
        self, *, sync_to_thread: bool | None = None
    ) -> Callable[[T_after_request], T_after_request]: ...
    @setupmethod
    def after_request(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function with each response; it returns the response to send.

        Arguments as for ``before_request``.
        """
        return register(self.after_request_funcs.setdefault(None, []).append, f, sync_to_thread)

    @overload
    def teardown_request(self, f: T_teardown, *, sync_to_thread: bool | None = None) -> T_teardown: ...
    @overload
    def teardown_request(
        self, *, sync_to_thread: bool | None = None
    ) -> Callable[[T_teardown], T_teardown]: ...
    @setupmethod
    def teardown_request(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function when the request context goes, with the error or ``None``.

        It runs exactly once, also after an error, and all of them run, even
        if one raises. Arguments as for ``before_request``.
        """
        return register(self.teardown_request_funcs.setdefault(None, []).append, f, sync_to_thread)

    @overload
    def url_value_preprocessor(
        self, f: T_url_value_preprocessor, *, sync_to_thread: bool | None = None
    ) -> T_url_value_preprocessor: ...
    @overload
    def url_value_preprocessor(
        self, *, sync_to_thread: bool | None = None
    ) -> Callable[[T_url_value_preprocessor], T_url_value_preprocessor]: ...
    @setupmethod
    def url_value_preprocessor(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function with endpoint and URL values; it may change the values.

        Arguments as for ``before_request``.
        """
        return register(self.url_value_preprocessors[None].append, f, sync_to_thread)

    @setupmethod
    def errorhandler(
        self, code_or_exception: type[Exception] | int, *, sync_to_thread: bool | None = None
    ) -> Callable[[T_error_handler], T_error_handler]:
        """Register the decorated function for a status code or an exception class.

        Args:
            code_or_exception: A status code such as 404, or a class of exceptions.
            sync_to_thread: As for ``before_request``.
        """

        def decorator(f: T_error_handler) -> T_error_handler:
            self.register_error_handler(code_or_exception, f, sync_to_thread=sync_to_thread)
            return f

        return decorator

    @setupmethod
    def register_error_handler(
        self,
        code_or_exception: type[Exception] | int,
        f: ft.ErrorHandlerCallable,
        *,
        sync_to_thread: bool | None = None,
    ) -> None:
        """Register a handler for a status code or an exception class; as a call."""
        exc_class, code = self._get_exc_class_and_code(code_or_exception)
        handlers = self.error_handler_spec[None][code]
        register(lambda handler: handlers.__setitem__(exc_class, handler), f, sync_to_thread)

    @staticmethod
    def _get_exc_class_and_code(
        exc_class_or_code: type[Exception] | int,
    ) -> tuple[type[Exception], int | None]:
        """Read what a handler is registered for.

        Raises:
            TypeError: If it is neither a code nor a class of exceptions.
            ValueError: If the code is not one of HTTP's.
        """
        if isinstance(exc_class_or_code, int):
            try:
                exc_class: type[Exception] = default_exceptions[exc_class_or_code]
            except KeyError:
                raise ValueError(
                    f"'{exc_class_or_code}' is not a recognized HTTP error code."
                    " Use a subclass of HTTPException with that code instead."
                ) from None
        else:
            exc_class = exc_class_or_code

        if isinstance(exc_class, Exception):
            raise TypeError(
                f"{exc_class!r} is an instance, not a class. Register the class of"
                " the exception, or an HTTP status code."
            )
        if not issubclass(exc_class, Exception):
            raise ValueError(f"'{exc_class.__name__}' is not a subclass of Exception.")
        if issubclass(exc_class, HTTPException):
            return exc_class, exc_class.code

        return exc_class, None


class AppHooks(Hooks):
    """What applications have besides."""

    teardown_appcontext_funcs: list[ft.TeardownCallable]

    @overload
    def teardown_appcontext(self, f: T_teardown, *, sync_to_thread: bool | None = None) -> T_teardown: ...
    @overload
    def teardown_appcontext(
        self, *, sync_to_thread: bool | None = None
    ) -> Callable[[T_teardown], T_teardown]: ...
    @setupmethod
    def teardown_appcontext(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function when an application context goes, with the error or ``None``.

        Arguments as for ``before_request``.
        """
        return register(self.teardown_appcontext_funcs.append, f, sync_to_thread)

    @cached_property
    def error_fallback_funcs(self) -> list[Callable[[Exception], HTTPException | None]]:
        """The functions that ``error_fallback`` registered."""
        return []

    @setupmethod
    def error_fallback(self, f: T_error_fallback) -> T_error_fallback:
        """Ask the function what an error means that no error handler takes.

        For extensions: their service is gone, say, which is a 503 and no bug.
        Error handlers go before it, also those for ``Exception``, and they
        are asked for the ``HTTPException`` that it returns. Requests without
        an error pay nothing for it. It must not block.

        Args:
            f: Called with the error; returns what the visitor gets instead,
                or ``None`` to leave the error alone.

        Example:
            >>> from costrel import Costrel
            >>> from werkzeug.exceptions import ServiceUnavailable
            >>> app = Costrel("shop")
            >>> @app.error_fallback
            ... def printer_is_gone(error):
            ...     return ServiceUnavailable() if isinstance(error, ConnectionRefusedError) else None
        """
        self.error_fallback_funcs.append(f)
        return f


class BlueprintHooks(Hooks):
    """What blueprints have besides: hooks for the whole application."""

    # Any: the state of a registration is the blueprints'.
    def record_once(self, func: Callable[[Any], None]) -> None:
        """Call the function with the state of the first registration."""
        raise NotImplementedError

    def _on_app(self, table: str, f: Any) -> None:
        """Append to one of the application's own tables at the first registration."""
        self.record_once(lambda s: getattr(s.app, table).setdefault(None, []).append(f))

    @overload
    def before_app_request(
        self, f: T_before_request, *, sync_to_thread: bool | None = None
    ) -> T_before_request: ...
    @overload
    def before_app_request(
        self, *, sync_to_thread: bool | None = None
    ) -> Callable[[T_before_request], T_before_request]: ...
    @setupmethod
    def before_app_request(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function before every view of the application; arguments as for ``before_request``."""
        return register(partial(self._on_app, "before_request_funcs"), f, sync_to_thread)

    @overload
    def after_app_request(
        self, f: T_after_request, *, sync_to_thread: bool | None = None
    ) -> T_after_request: ...
    @overload
    def after_app_request(
        self, *, sync_to_thread: bool | None = None
    ) -> Callable[[T_after_request], T_after_request]: ...
    @setupmethod
    def after_app_request(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function with every response of the application; arguments likewise."""
        return register(partial(self._on_app, "after_request_funcs"), f, sync_to_thread)

    @overload
    def teardown_app_request(self, f: T_teardown, *, sync_to_thread: bool | None = None) -> T_teardown: ...
    @overload
    def teardown_app_request(
        self, *, sync_to_thread: bool | None = None
    ) -> Callable[[T_teardown], T_teardown]: ...
    @setupmethod
    def teardown_app_request(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function when any request of the application is over; arguments likewise."""
        return register(partial(self._on_app, "teardown_request_funcs"), f, sync_to_thread)

    @setupmethod
    def app_errorhandler(
        self, code: type[Exception] | int, *, sync_to_thread: bool | None = None
    ) -> Callable[[T_error_handler], T_error_handler]:
        """Register an error handler for the whole application; arguments as for ``errorhandler``."""

        def decorator(f: T_error_handler) -> T_error_handler:
            self.record_once(lambda s: s.app.errorhandler(code, sync_to_thread=sync_to_thread)(f))
            return f

        return decorator

    @overload
    def app_url_value_preprocessor(
        self, f: T_url_value_preprocessor, *, sync_to_thread: bool | None = None
    ) -> T_url_value_preprocessor: ...
    @overload
    def app_url_value_preprocessor(
        self, *, sync_to_thread: bool | None = None
    ) -> Callable[[T_url_value_preprocessor], T_url_value_preprocessor]: ...
    @setupmethod
    def app_url_value_preprocessor(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function with the URL values of every request; arguments likewise."""
        return register(partial(self._on_app, "url_value_preprocessors"), f, sync_to_thread)
