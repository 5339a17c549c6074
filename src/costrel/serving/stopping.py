"""What is open for as long as its client likes, and ends when the server stops.

A server that stops waits for the answers under way, and so for those that
never end by themselves. These are told as soon as there is word of the stop
(``stop_signals.py``); all other answers are left to the server. Knows no
protocol and no application.
"""

from __future__ import annotations

import os
import time
import weakref
from typing import Protocol

from costrel.core.lifespan import TEST_MARK
from costrel.serving.process_end import at_end
from costrel.serving.stop_signals import hear

__all__ = ["Lasting", "closed", "is_of_test", "opened"]

_END_SECONDS = 3
"""How long the end of the process waits for what is open."""

_LATE_SECONDS = 30
"""For how long after a stop what opens is told at once. Not for ever: a signal need not mean a stop."""

_LOOK_SECONDS = 0.02


class Lasting(Protocol):
    """What is told of a stop."""

    def stop(self) -> None:
        """Begin to end. Called in any thread, perhaps several times; does not wait and raises nothing."""


def opened(thing: Lasting, *, with_process: bool = False) -> None:
    """Have something told of the stop, until it is closed or nobody has it any more.

    Args:
        thing: What is to be told.
        with_process: Whether no server may be there to say so: then it is told
            when the process ends, which waits a little for it.
    """
    _open.add(thing, with_process)


def closed(thing: Lasting) -> None:
    """Tell something no more; nobody waits for it any longer."""
    _open.discard(thing)


def is_of_test(environ: dict[str, object]) -> bool:
    """Tell whether a request comes from a test client, in whose process no signals are listened for."""
    scope = environ.get("asgi.scope")

    return TEST_MARK in environ or (isinstance(scope, dict) and TEST_MARK in scope)


class _Open:
    """All that is open in this process."""

    def __init__(self) -> None:
        # No lock guards it: what closes a stream may be the garbage collector, in the midst of anything.
        self._things: set[weakref.ref[Lasting]] = set()
        self._told_at: float | None = None
        self._ends_with_process = False
        self._forgets = False

    def add(self, thing: Lasting, with_process: bool) -> None:
        if not self._forgets:
            self._forgets = True
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=self.forget)
        if with_process and not self._ends_with_process:
            self._ends_with_process = True
            at_end(self)
        self._things.add(weakref.ref(thing, self._things.discard))
        if hear(self):
            self._told_at = None  # what has stopped before was another server in this process
        elif self._told_at is not None and time.monotonic() - self._told_at < _LATE_SECONDS:
            thing.stop()

    def discard(self, thing: Lasting) -> None:
        self._things.discard(weakref.ref(thing))

    def tell(self) -> None:
        """Tell all that is open."""
        self._told_at = time.monotonic()
        for reference in self._things.copy():
            thing = reference()
            if thing is not None:
                thing.stop()

    def wait(self, seconds: float) -> None:
        """Wait until nothing is open, for so long at most."""
        deadline = time.monotonic() + seconds
        while self._things and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)

    def end(self) -> None:
        """Tell all because the process ends, and wait for them within a bound."""
        self.tell()
        self.wait(_END_SECONDS)

    def forget(self) -> None:
        """Begin anew in a child process, in which nothing of it is open."""
        self._things = set()
        self._told_at = None
        self._ends_with_process = False


_open = _Open()
