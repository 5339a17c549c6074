"""Registration of what runs before, while and after an application serves, and of background tasks.

``serving/lifespan.py`` and ``serving/background.py`` run them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

from costrel.core.lifespan import refuse_no_generator
from costrel.sansio.scaffold import setupmethod

__all__ = ["AppLifespan", "BlueprintLifespan"]

F = TypeVar("F", bound=Callable[[], Awaitable[None] | None])
G = TypeVar("G", bound=Callable[[], AsyncIterator[Any] | Iterator[Any]])


class AppLifespan:
    """The application's part."""

    before_serving_funcs: list[Callable[[], Any]]
    after_serving_funcs: list[Callable[[], Any]]
    while_serving_gens: list[Callable[[], Any]]

    _serving: Any = None
    """Where the functions have been run and serving is not over: ``serving.span.Serving``."""

    _background: Any = None
    """Background tasks of this process, where there were any: ``serving.background.Background``."""

    def _start_lifespan_tables(self) -> None:
        self.before_serving_funcs = []
        self.after_serving_funcs = []
        self.while_serving_gens = []

    def _has_lifespan(self) -> bool:
        """Whether anything is to be run before or after serving."""
        return bool(self.before_serving_funcs or self.while_serving_gens or self.after_serving_funcs)

    @setupmethod
    def before_serving(self, f: F) -> F:
        """Call the function once in each process that serves, before the first request.

        It may be async, and runs in an application context. If it fails, the
        application does not serve.

        Example:
            >>> from costrel import Costrel
            >>> app = Costrel("shop")
            >>> @app.before_serving
            ... async def open_pool():
            ...     app.extensions["pool"] = "a pool, bound to the loop that the async views run on"
        """
        self.before_serving_funcs.append(f)
        return f

    @setupmethod
    def after_serving(self, f: F) -> F:
        """Call the function once in each process that served, when it stops.

        All of them run, in the order of their registration, even if one fails.
        """
        self.after_serving_funcs.append(f)
        return f

    @setupmethod
    def while_serving(self, f: G) -> G:
        """Run the generator function around serving: up to its ``yield`` before, the rest after.

        It may be async. The last one begun is the first one ended.

        Raises:
            SetupError: If it has no ``yield``.

        Example:
            >>> from costrel import Costrel
            >>> app = Costrel("shop")
            >>> @app.while_serving
            ... async def lifespan():
            ...     app.extensions["pool"] = "open"
            ...     yield
            ...     del app.extensions["pool"]
        """
        refuse_no_generator(f)
        self.while_serving_gens.append(f)
        return f

    def add_background_task(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call the function after the response was sent, or now where there is no request.

        An async function runs on the event loop of the async views, any other
        one in a thread. It has an application context, or a copy of the
        request's with a ``g`` of its own. Its errors are logged.

        Args:
            func: What to call.
            *args: Its arguments.
            **kwargs: Likewise.
        """
        from costrel.serving.background import add  # for cost: only who uses it needs it

        add(self, func, args, kwargs)

    def handle_background_exception(self, error: BaseException, func: Callable[..., Any]) -> None:
        """Log the error of a background task; override to report it elsewhere."""
        name = getattr(func, "__qualname__", None) or repr(func)
        self.logger.error("Exception in background task %s", name, exc_info=error)  # type: ignore[attr-defined]  # the application's


class BlueprintLifespan:
    """The blueprint's part: the same, for the application it is registered on."""

    @setupmethod
    def before_app_serving(self, f: F) -> F:
        """Call the function before the application serves; see ``Costrel.before_serving``."""
        self._once(lambda app: app.before_serving(f))
        return f

    @setupmethod
    def after_app_serving(self, f: F) -> F:
        """Call the function after the application served; see ``Costrel.after_serving``."""
        self._once(lambda app: app.after_serving(f))
        return f

    @setupmethod
    def while_app_serving(self, f: G) -> G:
        """Run the generator function around serving; see ``Costrel.while_serving``.

        Raises:
            SetupError: If it has no ``yield``.
        """
        refuse_no_generator(f)
        self._once(lambda app: app.while_serving(f))
        return f

    def _once(self, register: Callable[[Any], object]) -> None:
        self.record_once(lambda state: register(state.app))  # type: ignore[attr-defined]  # the blueprint's
