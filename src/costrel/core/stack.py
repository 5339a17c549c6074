"""Which context lies on which, and taking one off, or out from under others.

Flask 3.1 has two stacks, so that a request that found its application's context
pushed already may outlive it, and the other way round. Here is one; what lies
above is told what to uncover when it goes. Knows contexts only by their tokens.
"""

from __future__ import annotations

from contextvars import Token
from typing import Any, cast

from costrel._current import current
from costrel._missing import MISSING

__all__ = ["below", "put_back", "take_out"]


def put_back(token: Token[Any]) -> None:
    """Make that context the current one which was so before a push.

    The push may have been in another thread or task: a hook that an
    asynchronous server calls in a worker thread may push what is popped on the
    event loop, and the other way round.

    Example:
        >>> import contextvars
        >>> token = contextvars.copy_context().run(current.set, "inner")
        >>> put_back(token)
        >>> print(current.get())
        None
    """
    try:
        current.reset(token)
    except ValueError:  # of another copy of the context variables
        value = token.old_value
        # A variable cannot be emptied without its own token; all who read this one take None for empty.
        current.set(cast(Any, None if value is Token.MISSING else value))


def below(ctx: Any) -> Any:
    """Return the context that is current again when this one is popped, or ``None``."""
    if ctx._uncovers is not MISSING:
        return ctx._uncovers

    value = ctx._tokens[0].old_value

    return None if value is Token.MISSING else value


def take_out(ctx: Any, top: Any) -> None:
    """Unlink a pushed context that lies somewhere under ``top``."""
    scope = getattr(below(ctx), "_request_scope", None)
    above = top
    while True:
        if above._request_scope is ctx:
            above._request_scope = scope
        under = below(above)
        if under is ctx:
            break
        above = under

    above._uncovers = below(ctx)
    ctx._uncovers = MISSING
    ctx._tokens = None
