"""The mark of methods that set an application up, refused once it has answered a request. Knows no table."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar, cast

__all__ = ["setupmethod"]

F = TypeVar("F", bound=Callable[..., Any])


def setupmethod(f: F) -> F:
    """Mark a method as setup, refused once the first request was handled."""
    f_name = f.__name__

    def wrapper_func(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._check_setup_finished(f_name)
        return f(self, *args, **kwargs)

    return cast(F, update_wrapper(wrapper_func, f))
