"""Which error handler answers an error. Pure: tables in, a handler out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["find_handler"]

Spec = Mapping[Any, Mapping[int | None, Mapping[type[Exception], Callable[..., Any]]]]


def find_handler(
    spec: Spec, error: Exception, *, code: int | None, blueprints: Iterable[str]
) -> Callable[..., Any] | None:
    """Return the handler for an error, or ``None``.

    A handler for the status code goes before one for a class, a blueprint's
    before the application's, the nearest class of the error before its bases.

    Args:
        spec: ``error_handler_spec`` of the application.
        error: The error.
        code: Its status code, if it is an ``HTTPException``.
        blueprints: Names of the request's blueprints, innermost first.
    """
    scopes = (*blueprints, None)
    for wanted in (code, None) if code is not None else (None,):
        for scope in scopes:
            by_code = spec.get(scope)
            handlers = by_code.get(wanted) if by_code else None
            if not handlers:
                continue

            for cls in type(error).__mro__:
                handler = handlers.get(cls)
                if handler is not None:
                    return handler

    return None
