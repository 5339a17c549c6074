"""Whether a view can take its rule's variables, and where things are defined. No request, no application."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Collection
from typing import Any

from costrel.errors import SetupError

__all__ = ["caller_place", "check_view_arguments", "where_defined"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def caller_place() -> str:
    """Name the innermost line of the stack that is not costrel's own, as ``file:line``."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back

    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def where_defined(view: Any) -> str:
    """Name a view with its file and line, as well as they are known.

    Example:
        >>> where_defined(len)
        'len'
    """
    inner = inspect.unwrap(view) if callable(view) else view
    code = getattr(inner, "__code__", None)
    name = getattr(inner, "__qualname__", None) or type(inner).__name__
    if code is None:
        return str(name)

    return f"{name} ({code.co_filename}:{code.co_firstlineno})"


def check_view_arguments(
    rule: str, arguments: Collection[str], signature: inspect.Signature, view: Any
) -> None:
    """Refuse a view that cannot be called with the variables of its rule.

    Args:
        rule: The rule as it was written.
        arguments: Names of its variables and defaults.
        signature: The view's signature.
        view: The view, for its place in the message.

    Raises:
        SetupError: If a variable has no parameter of its name, or a required
            parameter no variable.
    """
    parameters = signature.parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return

    names = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    surplus = sorted(set(arguments) - names)
    required = {p.name for p in parameters if p.name in names and p.default is p.empty}
    lacking = sorted(required - set(arguments))
    where = where_defined(view)
    wanted = f"def {getattr(view, '__name__', 'view')}({', '.join(sorted(arguments))})"
    preprocessed = "If a url_value_preprocessor changes the values, register it before the route."
    if surplus:
        raise SetupError(
            f"the rule {rule!r} has <{surplus[0]}>, but its view has no argument of that name: {where}",
            hint=f"Write {wanted}, or rename the variable in the rule. {preprocessed}",
        )
    if lacking:
        raise SetupError(
            f"the view needs {lacking[0]!r}, but its rule {rule!r} has no <{lacking[0]}>: {where}",
            hint=f"Write {wanted}, or add <{lacking[0]}> to the rule. {preprocessed}",
        )
