"""Which lifecycle methods of an application are not costrel's own, and how to call them.

Extensions replace methods on an instance, on a subclass and on the class
itself, before and after the first request; so this asks the objects each time
and remembers nothing that could change.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

__all__ = [
    "DOORS",
    "LIFECYCLE_METHODS",
    "Step",
    "fast_methods",
    "originals",
    "own_method",
    "remember_originals",
    "styled_args",
    "use_fast_lane",
]

Step = Callable[..., Any]

_WATCHED = (
    "request_context",
    "create_url_adapter",
    "full_dispatch_request",
    "preprocess_request",
    "dispatch_request",
    "finalize_request",
    "make_response",
    "process_response",
    "do_teardown_request",
    "do_teardown_appcontext",
    "ensure_sync",
)
"""What the fast lane of ``serving/wsgi.py`` does without a call of the method."""

LIFECYCLE_METHODS = frozenset(_WATCHED) | {
    "handle_exception",
    "handle_http_exception",
    "handle_user_exception",
    "raise_routing_exception",
    "make_default_options_response",
    "async_to_sync",
    "_find_error_handler",
    "trap_http_exception",
}
"""The methods whose override must take effect at once, wherever it is made."""

DOORS = frozenset(("wsgi_app", "asgi_app"))
"""What middleware goes round."""

_CONTEXTS = ("AppContext", "RequestContext")
originals: dict[str, Any] = {}
"""Costrel's own methods by name."""

fast_methods: list[Callable[[type], bool] | None] = [None]
"""Tells whether a class has the watched methods with which it may take the fast lane.

PERF: called in every request, 20 ns a name. A metaclass would notice changes
for nothing, and refuse applications that have one of their own.
"""


def remember_originals(cls: type) -> None:
    """Note the methods that count as costrel's own, once, when their class is made."""
    for name in (*LIFECYCLE_METHODS, *DOORS):
        originals[name] = inspect.getattr_static(cls, name)
    use_fast_lane(True)


def use_fast_lane(on: bool) -> None:
    """Open or close the fast lane in this process; tests hold the lanes against each other."""
    fast_methods[0] = _comparison_with(**{name: originals[name] for name in _WATCHED}) if on else None


def _comparison_with(
    *,
    request_context: Any,
    create_url_adapter: Any,
    full_dispatch_request: Any,
    preprocess_request: Any,
    dispatch_request: Any,
    finalize_request: Any,
    make_response: Any,
    process_response: Any,
    do_teardown_request: Any,
    do_teardown_appcontext: Any,
    ensure_sync: Any,
) -> Callable[[Any], bool]:
    def is_unchanged(cls: Any) -> bool:
        # By identity: the wrappers that monitoring tools put round methods are equal to what they wrap.
        return (
            cls.request_context is request_context
            and cls.create_url_adapter is create_url_adapter
            and cls.full_dispatch_request is full_dispatch_request
            and cls.preprocess_request is preprocess_request
            and cls.dispatch_request is dispatch_request
            and cls.finalize_request is finalize_request
            and cls.make_response is make_response
            and cls.process_response is process_response
            and cls.do_teardown_request is do_teardown_request
            and cls.do_teardown_appcontext is do_teardown_appcontext
            and cls.ensure_sync is ensure_sync
        )

    return is_unchanged


def own_method(app: Any, name: str) -> Callable[..., Any] | None:
    """Return the application's method if it is not costrel's own, else ``None``."""
    if name in app.__dict__ or getattr(type(app), name) is not originals[name]:
        return getattr(app, name)  # type: ignore[no-any-return]  # an override's

    return None


def styled_args(method: Callable[..., Any], name: str, ctx: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments in the style the method was written for.

    Flask 3.2 hands the context to these methods first; 3.1 does not. What
    takes anything (``*args``) is a wrapper, and gets the style of 3.1.
    """
    function = getattr(method, "__func__", method)
    if function is originals.get(name):
        return args

    return (ctx, *args) if _takes_context(function, bound=hasattr(method, "__self__")) else args


@lru_cache(maxsize=1024)
def _takes_context(function: Callable[..., Any], bound: bool) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False

    first = next(iter(parameters[1:] if bound else parameters), None)
    if first is None or first.kind is first.VAR_POSITIONAL:
        return False

    # As Flask 3.2 tells: by the annotation, and by the name where there is none.
    annotation = first.annotation
    written = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return first.name == "ctx" or written.strip("'\"").rpartition(".")[2] in _CONTEXTS
