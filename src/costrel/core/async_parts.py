"""Which parts of an application are asynchronous, told in words. Calls none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from costrel.core.drive import is_async

__all__ = ["find_async_parts", "is_async_view", "websocket_rules"]

_HOOKS = (
    "before_request_funcs",
    "before_unsafe_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "url_value_preprocessors",
    "template_context_processors",
)


def find_async_parts(app: Any) -> Iterator[str]:
    """Name each part that is served better by an event loop, those first that need one.

    Args:
        app: The application; ``Any``, because its class stands above this package.
    """
    for rule in websocket_rules(app):
        yield f"WebSocket {rule.rule!r}"
    for endpoint, view in app.view_functions.items():
        if is_async_view(view):
            yield f"async view {endpoint!r}"
    for name in _HOOKS:
        table: Mapping[Any, Any] = getattr(app, name, {})
        for functions in table.values():
            yield from (f"async {_kind(name)} {_named(hook)!r}" for hook in functions if is_async(hook))


def websocket_rules(app: Any) -> list[Any]:
    """Return the rules that WebSockets are opened by."""
    return [rule for rule in app.url_map.iter_rules() if rule.websocket]


def is_async_view(view: Callable[..., Any]) -> bool:
    """Tell whether a view is asynchronous; for a view class, whether any of its methods is.

    Example:
        >>> async def feed(): ...
        >>> is_async_view(feed)
        True
    """
    view_class = getattr(view, "view_class", None)
    if view_class is None:
        return is_async(view)

    names = ["dispatch_request", *map(str.lower, getattr(view_class, "methods", None) or ())]

    return any(is_async(getattr(view_class, name)) for name in names if hasattr(view_class, name))


def _kind(table: str) -> str:
    return table.removesuffix("_funcs").removesuffix("s")


def _named(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
