"""A store of files, one per key, for one machine. Knows no session.

A file's name is a digest of its key, so no key leads out of the folder. It
holds one line of JSON, when it is over, its key and its index, and then the
value. Writers of one key take turns by a lock that other processes see too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from costrel.ext.session.backends.store import Entry, StoreError
from costrel.ext.session.backends.twins import AsyncTwins

fcntl: Any
try:
    import fcntl
except ModuleNotFoundError:  # on Windows, where only the threads of one process take turns
    fcntl = None

__all__ = ["FileStore"]

_NAME = re.compile(r"[0-9a-f]{64}")
_MAX_HEADER_BYTES = 4_096
_LOCK_FILES = 64


@dataclass(frozen=True, slots=True)
class _File:
    expires_at: float | None
    key: str
    index: str | None
    value: bytes


class FileStore(AsyncTwins):
    """Keeps each value in a file of one folder, which is made at the first use.

    Args:
        folder: The folder; nobody else should be able to write there.
        mode: The permissions of the files.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        mode: int = 0o600,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = Path(folder)
        self._mode = mode
        self._clock = clock
        self._thread_lock = threading.Lock()

    def get(self, key: str) -> Entry | None:
        """Return what is under a key."""
        with _told():
            found = self._read(self._path(key))

        return None if found is None or found.key != key else Entry(found.value, found.value)

    def set(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> None:
        """Write, whatever there is."""
        with self._locked(key):
            self._write(key, value, ttl_seconds, index)

    def add(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> bool:
        """Write if there is nothing."""
        with self._locked(key):
            if self.get(key) is not None:
                return False
            self._write(key, value, ttl_seconds, index)

        return True

    def replace(
        self, key: str, value: bytes, *, version: Any, ttl_seconds: float | None, index: str | None = None
    ) -> bool:
        """Write if there still is what was read."""
        with self._locked(key):
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
        with self._locked(key, to):
            if not self._has(key, version):
                return False
            self._write(to, value, ttl_seconds, index)
            if left is None:
                self._drop(self._path(key))
            else:
                self._write(key, left, left_seconds, None)

        return True

    def delete(self, key: str) -> bool:
        """Delete; tell whether there was something."""
        with self._locked(key):
            found = self.get(key) is not None
            self._drop(self._path(key))

        return found

    def find(self, index: str) -> list[str]:
        """Return the keys of an index."""
        with _told():
            try:
                names = os.listdir(self._folder_of(index))
            except FileNotFoundError:
                return []
            found = [self._read(self.folder / name) for name in names if _NAME.fullmatch(name)]

        return sorted(one.key for one in found if one is not None and one.index == index)

    def delete_index(self, index: str, *, keep: Collection[str] = ()) -> int:
        """Delete the keys of an index."""
        return sum(self.delete(key) for key in self.find(index) if key not in keep)

    def clean_up(self) -> int:
        """Delete what is over; files that are not this store's stay."""
        count = 0
        with _told():
            names = os.listdir(self.folder) if self.folder.exists() else []
            for name in filter(_NAME.fullmatch, names):
                path = self.folder / name
                with self._locked(name):
                    if path.exists() and self._read(path) is None:
                        self._drop(path)
                        count += 1

        return count

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _path(self, key: str) -> Path:
        return self.folder / sha256(key.encode()).hexdigest()

    def _folder_of(self, index: str) -> Path:
        return self.folder / "index" / sha256(index.encode()).hexdigest()

    def _read(self, path: Path) -> _File | None:
        """Read a file that is not over; ``None`` for garbage."""
        try:
            header, line_end, value = path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        try:
            # Any: garbage is refused below by the errors that it makes
            known = cast(Any, json.loads(header) if line_end and len(header) <= _MAX_HEADER_BYTES else None)
            found = _File(known["expires_at"], known["key"], known["index"], value)
            is_over = found.expires_at is not None and found.expires_at <= self._clock()
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        if is_over or self._path(str(found.key)).name != path.name:
            return None

        return found

    def _has(self, key: str, version: Any) -> bool:
        entry = self.get(key)

        return entry is not None and entry.version == version

    def _write(self, key: str, value: bytes, ttl_seconds: float | None, index: str | None) -> None:
        path = self._path(key)
        expires_at = None if ttl_seconds is None else self._clock() + ttl_seconds
        header = json.dumps({"expires_at": expires_at, "key": key, "index": index}).encode()
        self._leave_index(path, unless=index)
        if index is not None:
            self._enter_index(path, index)

        handle, written = tempfile.mkstemp(dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(header + b"\n" + value)
            os.chmod(written, self._mode)
            os.replace(written, path)  # who reads meanwhile has the old file or the new one
        except BaseException:
            os.unlink(written)
            raise

    def _drop(self, path: Path) -> None:
        self._leave_index(path)
        path.unlink(missing_ok=True)

    def _enter_index(self, path: Path, index: str) -> None:
        folder = self._folder_of(index)
        while True:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # somebody else removed the folder when it was empty
                (folder / path.name).touch(mode=self._mode)
                return

    def _leave_index(self, path: Path, *, unless: str | None = None) -> None:
        try:
            header = path.read_bytes().partition(b"\n")[0]
            index = json.loads(header)["index"]
        except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
            return
        if isinstance(index, str) and index != unless:
            folder = self._folder_of(index)
            (folder / path.name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # others are in it
                folder.rmdir()

    @contextlib.contextmanager
    def _locked(self, *keys: str) -> Iterator[None]:
        """Keep other threads and processes from writing these keys; one key's lock is that of some others."""
        with _told(), contextlib.ExitStack() as stack:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if fcntl is None:
                stack.enter_context(self._thread_lock)
            else:  # each opening has a lock of its own, so threads wait for each other too
                for number in sorted({int(name[:2], 16) % _LOCK_FILES for name in map(_name_of, keys)}):
                    file = open(self.folder / f"lock-{number:02}", "a")  # noqa: SIM115  # the stack closes it
                    fcntl.flock(stack.enter_context(file), fcntl.LOCK_EX)
            yield


def _name_of(key: str) -> str:
    return key if _NAME.fullmatch(key) else sha256(key.encode()).hexdigest()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"the folder of the sessions cannot be used: {error}") from error
