"""WebSocket handlers that are classes. Knows a connection by its methods only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from costrel.core.drive import is_async
from costrel.core.ws_codes import NO_STATUS, WebSocketDisconnect

__all__ = ["WebSocketView"]


class WebSocketView:
    """A handler that is a class, with one instance for each connection.

    Either override ``handle``, or the three methods that it calls. A class
    whose ``handle`` is not async runs in a thread, and gets a connection whose
    methods block.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> class Echo(WebSocketView):
        ...     async def on_message(self, ws, message):
        ...         await ws.send(message)
        >>> app.add_websocket("/echo", view_func=Echo.as_view("echo"))
    """

    decorators: ClassVar[list[Callable[..., Any]]] = []
    """Applied to the handler that ``as_view`` makes; the first is the innermost."""

    async def handle(self, ws: Any, **values: Any) -> Any:
        """Serve the connection; gets the variables of the rule by name."""
        code = NO_STATUS
        try:
            await self.on_connect(ws, **values)
            while True:
                await self.on_message(ws, await ws.receive())
        except WebSocketDisconnect as error:
            code = error.code
        finally:
            await self.on_disconnect(ws, code)

    async def on_connect(self, ws: Any, **values: Any) -> None:
        """Accept the connection; gets the variables of the rule by name."""
        await ws.accept()

    async def on_message(self, ws: Any, message: str | bytes) -> None:
        """Answer a message."""

    async def on_disconnect(self, ws: Any, code: int) -> None:
        """Clean up; called once, also after an error."""

    @classmethod
    def as_view(cls, name: str, *class_args: Any, **class_kwargs: Any) -> Callable[..., Any]:
        """Make a handler for ``add_websocket``.

        Args:
            name: The endpoint's name.
            class_args: For the constructor.
            class_kwargs: For the constructor.
        """
        view: Any = _view_for(cls, class_args, class_kwargs)
        view.__name__ = name
        view.__module__ = cls.__module__
        for decorator in cls.decorators:
            view = decorator(view)
        # Set on what the decorators returned, which is what will be registered.
        view.view_class = cls
        view.__name__ = name
        view.__doc__ = cls.__doc__
        view.__module__ = cls.__module__

        return view  # type: ignore[no-any-return]  # a function with attributes is Any


def _view_for(cls: type[WebSocketView], class_args: tuple[Any, ...], class_kwargs: dict[str, Any]) -> Any:
    if is_async(cls.handle):

        async def view(ws: Any, /, **values: Any) -> Any:
            return await cls(*class_args, **class_kwargs).handle(ws, **values)

        return view

    def blocking_view(ws: Any, /, **values: Any) -> Any:
        return cls(*class_args, **class_kwargs).handle(ws, **values)

    return blocking_view
