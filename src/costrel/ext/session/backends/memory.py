"""A store in the memory of this process: for tests, and for an application of one process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar

from costrel.ext.session.backends.store import Entry
from costrel.ext.session.backends.twins import AsyncTwins

__all__ = ["MemoryStore"]

_SWEEP_EVERY = 1_024
"""New keys between two looks for those that are over."""


@dataclass(frozen=True, slots=True)
class _Row:
    value: bytes
    expires_at: float | None
    index: str | None


class MemoryStore(AsyncTwins):
    """Keeps everything in a dict; gone with the process, and another process has its own.

    Args:
        clock: Gives the time in seconds.

    Example:
        >>> store = MemoryStore()
        >>> store.add("a", b"1", ttl_seconds=60), store.add("a", b"2", ttl_seconds=60)
        (True, False)
        >>> store.replace("a", b"2", version=store.get("a").version, ttl_seconds=60)
        True
    """

    blocks: ClassVar[bool] = False

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        # Held for a few dict operations only, so an event loop may take it.
        self._lock = threading.RLock()
        self._rows: dict[str, _Row] = {}
        self._keys_of: dict[str, set[str]] = {}
        self._until_sweep = _SWEEP_EVERY

    def get(self, key: str) -> Entry | None:
        """Return what is under a key."""
        row = self._rows.get(key)
        if row is None or self._is_over(row):
            return None

        return Entry(row.value, row)

    def set(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> None:
        """Write, whatever there is."""
        with self._lock:
            self._write(key, value, ttl_seconds, index)

    def add(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> bool:
        """Write if there is nothing."""
        with self._lock:
            if self.get(key) is not None:
                return False
            self._write_new(key, value, ttl_seconds, index)

        return True

    def replace(
        self, key: str, value: bytes, *, version: Any, ttl_seconds: float | None, index: str | None = None
    ) -> bool:
        """Write if there still is what was read."""
        with self._lock:
            if not self._has(key, version):
                return False
            self._write(key, value, ttl_seconds, index)

        return True

    def move(
        self,
        key: str,
        to: str,
        value: bytes,
        *,
        version: Any,
        ttl_seconds: float | None,
        index: str | None = None,
        left: bytes | None = None,
        left_seconds: float | None = None,
    ) -> bool:
        """Delete a key and write another, if there still is what was read."""
        with self._lock:
            if not self._has(key, version):
                return False
            self._drop(key)
            self._write_new(to, value, ttl_seconds, index)
            if left is not None:
                self._write(key, left, left_seconds, None)

        return True

    def delete(self, key: str) -> bool:
        """Delete; tell whether there was something."""
        with self._lock:
            found = self.get(key) is not None
            self._drop(key)

        return found

    def find(self, index: str) -> list[str]:
        """Return the keys of an index."""
        with self._lock:
            return sorted(key for key in self._keys_of.get(index, ()) if self.get(key) is not None)

    def delete_index(self, index: str, *, keep: Collection[str] = ()) -> int:
        """Delete the keys of an index."""
        with self._lock:
            return sum(self.delete(key) for key in self.find(index) if key not in keep)

    def clean_up(self) -> int:
        """Delete what is over."""
        with self._lock:
            self._until_sweep = _SWEEP_EVERY
            over = [key for key, row in self._rows.items() if self._is_over(row)]
            for key in over:
                self._drop(key)

        return len(over)

    def close(self) -> None:
        """Do nothing: there is nothing that could be opened again."""

    def _is_over(self, row: _Row) -> bool:
        return row.expires_at is not None and row.expires_at <= self._clock()

    def _has(self, key: str, version: Any) -> bool:
        row = self._rows.get(key)

        return row is not None and row is version and not self._is_over(row)

    def _write_new(self, key: str, value: bytes, ttl_seconds: float | None, index: str | None) -> None:
        self._until_sweep -= 1
        if self._until_sweep <= 0:
            self.clean_up()
        self._write(key, value, ttl_seconds, index)

    def _write(self, key: str, value: bytes, ttl_seconds: float | None, index: str | None) -> None:
        self._drop(key)
        expires_at = None if ttl_seconds is None else self._clock() + ttl_seconds
        self._rows[key] = _Row(value, expires_at, index)
        if index is not None:
            self._keys_of.setdefault(index, set()).add(key)

    def _drop(self, key: str) -> None:
        row = self._rows.pop(key, None)
        if row is None or row.index is None:
            return

        keys = self._keys_of[row.index]
        keys.discard(key)
        if not keys:
            del self._keys_of[row.index]
