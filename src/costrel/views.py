"""Views as classes. Knows the context only by its contract, and no routing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from typing import Any, ClassVar, TypeVar

from costrel import _current
from costrel import typing as ft
from costrel.core.drive import is_async
from costrel.core.on_loop import mark_on_loop, may_run_on_loop
from costrel.core.timeouts import bounded, seconds_for

__all__ = ["MethodView", "View"]

F = TypeVar("F", bound=Callable[..., Any])

http_method_funcs = frozenset(["get", "post", "head", "options", "delete", "put", "trace", "patch"])


class View:
    """A view that is a class; ``dispatch_request`` answers.

    Example:
        >>> class Hello(View):
        ...     def dispatch_request(self, name):
        ...         return f"Hello {name}!"
        >>> view = Hello.as_view("hello")
        >>> view.__name__
        'hello'
    """

    methods: ClassVar[Collection[str] | None] = None
    """The methods of its routes, unless ``route`` is told otherwise."""

    provide_automatic_options: ClassVar[bool | None] = None
    """Answer OPTIONS by itself; ``None`` leaves it to the application."""

    decorators: ClassVar[list[Callable[..., Any]]] = []
    """Applied to the view that ``as_view`` makes; the first is the innermost.

    An async one awaits the view if the class has async functions, and calls it otherwise.
    """

    init_every_request: ClassVar[bool] = True
    """Make an instance for every request.

    ``False`` makes one for all: quicker, but then ``self`` is shared between
    threads and must not be written to.
    """

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Answer the request; gets the variables of the rule by name."""
        raise NotImplementedError

    @classmethod
    def as_view(cls, name: str, *class_args: Any, **class_kwargs: Any) -> ft.RouteCallable:
        """Make a view function for ``add_url_rule``.

        If all functions of the class are async, an asynchronous server calls
        it on the event loop, the constructor too.

        Args:
            name: The endpoint's name.
            class_args: For the constructor.
            class_kwargs: For the constructor.
        """
        view = _view_for(cls, class_args, class_kwargs, lambda: view)
        if cls.decorators:
            view.__name__ = name
            view.__module__ = cls.__module__
            for decorator in cls.decorators:
                view = decorator(view)

        # Set on what the decorators returned, which is what will be registered.
        view.view_class = cls
        view.__name__ = name
        view.__doc__ = cls.__doc__
        view.__module__ = cls.__module__
        view.methods = cls.methods
        view.provide_automatic_options = cls.provide_automatic_options
        if not cls.decorators and _is_wholly_async(cls):
            mark_on_loop(view)  # it makes a coroutine, and an asynchronous server needs no thread for that

        return view  # type: ignore[no-any-return]  # a function with attributes is Any


def _view_for(
    cls: type[View], class_args: tuple[Any, ...], class_kwargs: dict[str, Any], registered: Callable[[], Any]
) -> Any:
    # Flask-Injector takes the two names from the closure of the view.
    if cls.init_every_request:

        def view(**values: Any) -> Any:
            # Asked of the function that is registered, so that a test may replace the class.
            instance = registered().view_class(*class_args, **class_kwargs)
            return _ready(instance.dispatch_request)(**values)
    else:
        shared = cls(*class_args, **class_kwargs)

        def view(**values: Any) -> Any:
            return _ready(shared.dispatch_request)(**values)

    return view


class MethodView(View):
    """A view with one function for each HTTP method.

    ``methods`` follows from the functions of the class and its bases, unless
    the class sets it. HEAD is answered by ``get`` where there is no ``head``.

    Example:
        >>> class Cups(MethodView):
        ...     def get(self): ...
        ...     def post(self): ...
        >>> sorted(Cups.methods)
        ['GET', 'POST']
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "methods" in cls.__dict__:
            return

        methods = {key.upper() for key in http_method_funcs if hasattr(cls, key)}
        for base in cls.__bases__:
            methods.update(getattr(base, "methods", None) or ())
        if methods:
            cls.methods = methods

    def dispatch_request(self, **kwargs: Any) -> ft.ResponseReturnValue:
        """Call the function for the request's method."""
        ctx = _current.require_request("MethodView.dispatch_request()")
        method = ctx.request.method
        function = getattr(self, method.lower(), None)
        if function is None and method == "HEAD":
            function = getattr(self, "get", None)
        if function is None:
            raise AssertionError(
                f"Unimplemented method {method!r}: {type(self).__name__} has no function {method.lower()}()"
            )

        if not is_async(function) and _has_async_methods(type(self)) and _is_awaited(ctx):
            # The decorator cannot know which methods of the class are async.
            return sys.modules["asyncio"].to_thread(function, **kwargs)  # type: ignore[no-any-return]  # as below

        return _ready(function)(**kwargs)  # type: ignore[no-any-return]  # the user's


def _ready(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function to call; an async one is bounded as a view of its own would be."""
    ctx: Any = _current.require_context("View")
    if is_async(function) and ctx.has_request:
        seconds = seconds_for(ctx.request.url_rule, ctx.app.config)
        if seconds is not None:
            function = bounded(function, seconds)
        if _is_awaited(ctx):
            return function

    return ctx.app.ensure_sync(function)  # type: ignore[no-any-return]  # as above


def _has_async_methods(cls: type[View]) -> bool:
    return any(is_async(getattr(cls, method.lower(), len)) for method in cls.methods or ())


def _is_wholly_async(cls: type[View]) -> bool:
    """Tell whether all functions of a class that answer requests are async."""
    if cls.dispatch_request is not MethodView.dispatch_request:
        return is_async(cls.dispatch_request)

    functions = [getattr(cls, name) for name in http_method_funcs if hasattr(cls, name)]

    return bool(functions) and all(is_async(function) for function in functions)


def _is_awaited(ctx: Any) -> bool:
    """Tell whether the view is called on an event loop that must not be blocked, and awaited there."""
    asyncio = sys.modules.get("asyncio")  # an application without async code does not load it
    if asyncio is None or asyncio._get_running_loop() is None:
        return False

    view = ctx.app.view_functions.get(ctx.request.endpoint, len)

    return is_async(view) or may_run_on_loop(view)
