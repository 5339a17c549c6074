"""Registration of WebSocket routes and of the hooks round them, on applications and blueprints.

Only fills the tables that ``core/ws_lifecycle.py`` reads. Hooks take ``sync_to_thread``
as those of ``hooks.py`` do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from werkzeug.utils import cached_property

from costrel._missing import MISSING
from costrel.core.lazy import class_from
from costrel.core.registering import register
from costrel.core.ws_handler import SocketHandler
from costrel.sansio.setup_method import setupmethod

if TYPE_CHECKING:
    from costrel.groups import Groups

__all__ = ["AppSockets", "BlueprintSockets", "SocketRoutes"]

F = TypeVar("F", bound=Callable[..., Any])


class SocketRoutes:
    """What applications and blueprints share."""

    before_websocket_funcs: dict[str | None, list[Callable[..., Any]]]
    after_websocket_funcs: dict[str | None, list[Callable[..., Any]]]
    teardown_websocket_funcs: dict[str | None, list[Callable[..., Any]]]

    def _start_socket_tables(self) -> None:
        self.before_websocket_funcs = defaultdict(list)
        self.after_websocket_funcs = defaultdict(list)
        self.teardown_websocket_funcs = defaultdict(list)

    @setupmethod
    def websocket(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register the decorated handler for a WebSocket route.

        The handler takes the connection first, and the variables of the rule
        by name; one that takes no connection uses the proxy ``websocket``.
        It is async, or a function that runs in a thread of its own.

        Args:
            rule: The path, with ``<converter:name>`` for its variable parts.
            **options: ``endpoint``, ``defaults``, ``strict_slashes``,
                ``subdomain``, ``host`` and what else ``route`` takes.

        Example:
            >>> from costrel import Costrel
            >>> app = Costrel("shop")
            >>> @app.websocket("/rooms/<room>")
            ... async def chat(ws, room):
            ...     await ws.send(f"welcome to {room}")
        """

        def decorator(f: F) -> F:
            self.add_websocket(rule, options.pop("endpoint", None), f, **options)
            return f

        return decorator

    @setupmethod
    def add_websocket(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        **options: Any,
    ) -> None:
        """Register a WebSocket route; what ``websocket`` does, as a call.

        Args:
            rule: The path, with ``<converter:name>`` for its variable parts.
            endpoint: The name for ``url_for``; the handler's name by default.
            view_func: The handler.
            **options: As for ``websocket``.

        Raises:
            SetupError: If the handler cannot take the variables of the rule.
        """
        handler = None if view_func is None else SocketHandler(view_func)
        add: Any = self.add_url_rule  # type: ignore[attr-defined]  # what this is mixed into has it
        add(rule, endpoint, handler, provide_automatic_options=False, websocket=True, **options)

    @overload
    def before_websocket(self, f: F, *, sync_to_thread: bool | None = None) -> F: ...
    @overload
    def before_websocket(self, *, sync_to_thread: bool | None = None) -> Callable[[F], F]: ...
    @setupmethod
    def before_websocket(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function before each handler; a value that is not ``None`` refuses the connection."""
        return register(self.before_websocket_funcs.setdefault(None, []).append, f, sync_to_thread)

    @overload
    def after_websocket(self, f: F, *, sync_to_thread: bool | None = None) -> F: ...
    @overload
    def after_websocket(self, *, sync_to_thread: bool | None = None) -> Callable[[F], F]: ...
    @setupmethod
    def after_websocket(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function after each handler, with ``None``, or with the response that refused.

        It returns the response, or one in its place.
        """
        return register(self.after_websocket_funcs.setdefault(None, []).append, f, sync_to_thread)

    @overload
    def teardown_websocket(self, f: F, *, sync_to_thread: bool | None = None) -> F: ...
    @overload
    def teardown_websocket(self, *, sync_to_thread: bool | None = None) -> Callable[[F], F]: ...
    @setupmethod
    def teardown_websocket(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function when the connection is over, with the error or ``None``.

        It runs exactly once, also when the client vanished, and all of them
        run, even if one raises.
        """
        return register(self.teardown_websocket_funcs.setdefault(None, []).append, f, sync_to_thread)


def _websocket_class() -> type[Any]:
    from costrel.sockets import WebSocket  # for cost: most applications have none

    return WebSocket


class AppSockets(SocketRoutes):
    """What applications have besides."""

    websocket_class: type[Any] = class_from(_websocket_class)
    """The class of connections; a subclass of ``costrel.sockets.WebSocket``."""

    @cached_property
    def groups(self) -> Groups:
        """Groups of connections, by name: ``await app.groups["lobby"].send("hello")``.

        ``WEBSOCKET_GROUPS_URL`` says whether they reach other processes.
        """
        from costrel.groups import Groups  # for cost: asyncio

        app: Any = self
        made = Groups(app.config["WEBSOCKET_GROUPS_URL"], prefix=f"{app.name}:")
        return app.__dict__.setdefault("groups", made)  # type: ignore[no-any-return]  # one, whatever threads ask


class BlueprintSockets(SocketRoutes):
    """What blueprints have besides: hooks for the whole application."""

    @overload
    def before_app_websocket(self, f: F, *, sync_to_thread: bool | None = None) -> F: ...
    @overload
    def before_app_websocket(self, *, sync_to_thread: bool | None = None) -> Callable[[F], F]: ...
    @setupmethod
    def before_app_websocket(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function before every WebSocket handler of the application."""
        return register(partial(self._on_app, "before_websocket_funcs"), f, sync_to_thread)  # type: ignore[attr-defined]  # as above

    @overload
    def after_app_websocket(self, f: F, *, sync_to_thread: bool | None = None) -> F: ...
    @overload
    def after_app_websocket(self, *, sync_to_thread: bool | None = None) -> Callable[[F], F]: ...
    @setupmethod
    def after_app_websocket(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function after every WebSocket handler of the application."""
        return register(partial(self._on_app, "after_websocket_funcs"), f, sync_to_thread)  # type: ignore[attr-defined]  # as above

    @overload
    def teardown_app_websocket(self, f: F, *, sync_to_thread: bool | None = None) -> F: ...
    @overload
    def teardown_app_websocket(self, *, sync_to_thread: bool | None = None) -> Callable[[F], F]: ...
    @setupmethod
    def teardown_app_websocket(self, f: Any = MISSING, *, sync_to_thread: bool | None = None) -> Any:
        """Call the function when any WebSocket of the application is over."""
        return register(partial(self._on_app, "teardown_websocket_funcs"), f, sync_to_thread)  # type: ignore[attr-defined]  # as above
