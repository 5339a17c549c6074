"""A WebSocket handler as it was registered: how it wants to be called. Knows no connection."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import update_wrapper
from typing import Any

from costrel.core.drive import is_async
from costrel.core.views import check_view_arguments
from costrel.errors import SetupError

__all__ = ["SocketHandler"]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class SocketHandler:
    """What stands in ``view_functions`` for a WebSocket route.

    A handler may take the connection as its first argument, and takes the
    variables of its rule by name. One whose first argument is a variable of
    the rule, or that has none, uses the proxy ``websocket``.

    Args:
        function: The handler, async or not.

    Example:
        >>> async def chat(ws, room): ...
        >>> SocketHandler(chat).arguments("the connection", {"room": "hall"})
        (('the connection',), {'room': 'hall'})
        >>> async def quart_style(room): ...
        >>> SocketHandler(quart_style).arguments("the connection", {"room": "hall"})
        ((), {'room': 'hall'})
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise SetupError(
                f"a WebSocket handler must be a function, got {function!r}",
                hint='Write @app.websocket("/path") above an async def.',
            )
        update_wrapper(self, function)
        self.function = function
        self.is_async = is_async(inspect.unwrap(function)) or is_async(function)
        self._first, self._takes_all = _first_parameter(function)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.function!r}>"

    def __eq__(self, other: object) -> bool:
        """Be equal to what else wraps the same function, so that it may have several routes."""
        return isinstance(other, SocketHandler) and other.function == self.function

    def __hash__(self) -> int:
        return hash(self.function)

    def arguments(self, socket: Any, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """Return the positional and the named arguments of a call.

        Args:
            socket: The connection.
            values: The variables of the rule.
        """
        takes_socket = self._takes_all if self._first is None else self._first not in values

        return ((socket,) if takes_socket else ()), values

    def check(self, rule: str, arguments: Collection[str]) -> None:
        """Refuse a handler that cannot be called with the variables of its rule.

        Raises:
            SetupError: If a variable has no parameter of its name, or a
                required parameter no variable.
        """
        try:
            signature = inspect.signature(self.function)
        except (TypeError, ValueError):
            return

        parameters = list(signature.parameters.values())
        if self._first is not None and self._first not in arguments:
            parameters = parameters[1:]
        if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
            return

        check_view_arguments(rule, arguments, signature.replace(parameters=parameters), self.function)

    def __call__(self, **values: Any) -> Any:
        """Refuse to answer as a plain view.

        Raises:
            SetupError: Always.
        """
        raise SetupError(
            f"the WebSocket handler {self.function!r} was called as a view",
            hint="Middleware or an override of dispatch_request has to leave out rules with websocket=True.",
        )


def _first_parameter(function: Callable[..., Any]) -> tuple[str | None, bool]:
    """Name the first positional parameter; say whether there are any number of them instead."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None, True
    if not parameters:
        return None, False

    first = parameters[0]
    if first.kind in _POSITIONAL:
        return first.name, False

    return None, first.kind is first.VAR_POSITIONAL
