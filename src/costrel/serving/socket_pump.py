"""Move the bytes of a connection that a WSGI server gave up, in the thread that the server gave with it.

The thread waits for the socket; an event loop in another thread has the
bytes. TLS sockets allow only one thread at a time, so all reading and writing
is done here. Knows no WebSocket.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

__all__ = ["Pump"]

_READ_BYTES = 65_536
_WANTS = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Pump:
    """Reads until the other side is gone, and writes what it is given.

    Args:
        sock: The socket, connected.
        on_data: Told of bytes, and by ``b""`` of their end; in the thread that runs this.
        on_drained: Told, in that thread, when little is left to be written.
        on_tick: Called, in that thread, every ``tick_seconds``.
        tick_seconds: How often.
    """

    def __init__(
        self,
        sock: Any,
        *,
        on_data: Callable[[bytes], None],
        on_drained: Callable[[], None],
        on_tick: Callable[[], None],
        tick_seconds: float,
    ) -> None:
        self._sock = sock
        self._on_data = on_data
        self._on_drained = on_drained
        self._on_tick = on_tick
        self._tick_seconds = tick_seconds
        self._lock = threading.Lock()
        self._out = bytearray()
        self._reads = True
        self._has_ended = False
        self._ends_at: float | None = None
        self._waker, self._woken = socket.socketpair()
        for end in (self._waker, self._woken):
            end.setblocking(False)

    def write(self, data: bytes) -> int:
        """Have bytes written, from any thread; return how many wait."""
        with self._lock:
            self._out += data
            waiting = len(self._out)
        self._wake()

        return waiting

    def read_on(self, wanted: bool) -> None:
        """Go on reading, or stop for a while; from any thread."""
        if self._reads != wanted:
            self._reads = wanted
            self._wake()

    def end(self, after_seconds: float = 0) -> None:
        """End ``run`` once all is written, from any thread.

        Args:
            after_seconds: How long to go on reading, until the other side is gone.
        """
        ends_at = time.monotonic() + after_seconds
        if self._ends_at is None or ends_at < self._ends_at:
            self._ends_at = ends_at
            self._wake()

    def _wake(self) -> None:
        with suppress(OSError):  # full, so it wakes already; or closed, so nothing is to be woken
            self._waker.send(b"x")

    def run(self, patience_seconds: float) -> None:
        """Move bytes until the end.

        Args:
            patience_seconds: How long to try to write what is left then.
        """
        self._sock.setblocking(False)
        selector = selectors.DefaultSelector()
        selector.register(self._woken, selectors.EVENT_READ)
        selector.register(self._sock, selectors.EVENT_READ)
        try:
            next_tick = time.monotonic() + self._tick_seconds
            while not self._is_done(patience_seconds):
                wanted = self._wanted()
                if wanted:
                    self._watch(selector, wanted)
                else:
                    self._watch(selector, 0)
                ready = {key.fileobj for key, _ in selector.select(self._seconds_until(next_tick))}
                if self._woken in ready:
                    with suppress(OSError):
                        self._woken.recv(4_096)
                self._write_some()
                if self._reads and not self._has_ended and (self._sock in ready or self._holds_bytes()):
                    self._read_some()
                if time.monotonic() >= next_tick:
                    next_tick += self._tick_seconds
                    self._on_tick()
        finally:
            selector.close()
            self._waker.close()
            self._woken.close()

    def _watch(self, selector: selectors.BaseSelector, events: int) -> None:
        registered = selector.get_map().get(self._sock)
        if not events:
            if registered is not None:
                selector.unregister(self._sock)
        elif registered is None:
            selector.register(self._sock, events)
        elif registered.events != events:
            selector.modify(self._sock, events)

    def _wanted(self) -> int:
        reads = self._reads and not self._has_ended

        return (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if self._out else 0)

    def _seconds_until(self, next_tick: float) -> float:
        until = next_tick if self._ends_at is None else min(next_tick, self._ends_at)
        if self._ends_at is not None and self._out:
            until = next_tick
        if self._holds_bytes():
            return 0

        return max(0, until - time.monotonic())

    def _holds_bytes(self) -> bool:
        """Tell whether a TLS socket has bytes that a selector does not see."""
        if not self._reads or self._has_ended:
            return False
        pending = getattr(self._sock, "pending", None)

        return pending is not None and pending() > 0

    def _is_done(self, patience_seconds: float) -> bool:
        if self._ends_at is None:
            return False

        now = time.monotonic()
        if not self._out:
            return self._has_ended or now >= self._ends_at

        return now >= self._ends_at + patience_seconds

    def _write_some(self) -> None:
        with self._lock:
            if not self._out:
                return
            data = bytes(self._out[:_READ_BYTES])
        try:
            count = self._sock.send(data)
        except _WANTS:
            return
        except OSError:
            self._lose()
            return
        with self._lock:
            del self._out[:count]
            left = len(self._out)
        if left < _READ_BYTES:
            self._on_drained()

    def _read_some(self) -> None:
        try:
            data = self._sock.recv(_READ_BYTES)
        except _WANTS:
            return
        except OSError:
            data = b""
        if data:
            self._on_data(data)
        else:
            self._lose()

    def _lose(self) -> None:
        """Take note that the other side is gone."""
        with self._lock:
            self._out.clear()
        if not self._has_ended:
            self._has_ended = True
            self._on_data(b"")
        self._on_drained()
