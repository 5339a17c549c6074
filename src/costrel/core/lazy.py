"""Attributes that are worked out when they are asked for. Knows no request.

Werkzeug's ``cached_property`` is a data descriptor, so each later access runs
Python code. This one is not: after the first access the value lies in the
instance's ``__dict__`` and is found there, and it may be set or deleted as any
attribute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

__all__ = ["class_from", "lazy"]

T = TypeVar("T")


class _Lazy:
    """Compute an attribute once per instance."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self.compute = compute
        self.name = compute.__name__
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self

        value = self.compute(instance)
        # PERF: setattr keeps CPython's inline attribute values; touching
        # instance.__dict__ would give them up (0.1 µs for every object).
        setattr(instance, self.name, value)

        return value


def lazy(compute: Callable[[Any], T]) -> T:
    """Make an attribute out of a function of the instance.

    The type is a lie that type checkers need: an instance's attribute has the
    type that the function returns.

    Example:
        >>> class Cup:
        ...     @lazy
        ...     def size(self):
        ...         print("measuring")
        ...         return 3
        >>> cup = Cup()
        >>> cup.size + cup.size
        measuring
        6
    """
    return cast(T, _Lazy(compute))


class _ClassFrom:
    """Read a class attribute from a function. Not a data descriptor: what is assigned goes before."""

    def __init__(self, find: Callable[[], Any]) -> None:
        self.find = find

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self.find()


def class_from(find: Callable[[], T]) -> T:
    """Make a class attribute out of a function that imports its value.

    It can be read from the class and from instances, and be assigned on both
    and overridden by subclasses, as if the value stood there.

    Example:
        >>> def fraction():
        ...     from fractions import Fraction
        ...     return Fraction
        >>> class Shop:
        ...     number = class_from(fraction)
        >>> Shop.number, Shop().number(1, 2)
        (<class 'fractions.Fraction'>, Fraction(1, 2))
    """
    return cast(T, _ClassFrom(find))
