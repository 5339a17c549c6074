"""What is stored of a session: its content, when it began and was last seen. Knows no store and no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from costrel.errors import CostrelError
from costrel.ext.session.serializers import Serializer

__all__ = ["Record", "SessionTooLargeError", "SessionValueError", "Stamp", "decode", "encode"]

_STAMP_KEY = "_costrel"
"""Where the stamp lies, beside the content, so that Flask-Session reads our sessions and we read its."""


class SessionTooLargeError(CostrelError, ValueError):
    """More was put into a session than ``SESSION_MAX_BYTES``."""


class SessionValueError(CostrelError, TypeError):
    """Something was put into a session that cannot be stored."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When and where a session was used; times in whole seconds since 1970."""

    created: int
    seen: int
    """When it was last written."""

    sent: int
    """When its cookie was last sent."""

    ip: str = ""
    agent: str = ""

    @classmethod
    def read(cls, value: Any) -> Stamp | None:
        """Read what ``written`` made; ``None`` for anything else."""
        if not isinstance(value, list) or len(value) not in (3, 5):
            return None
        times, where = value[:3], value[3:]
        if not all(type(time) is int for time in times) or not all(type(text) is str for text in where):
            return None

        return cls(*times, *where)

    def written(self) -> list[Any]:
        """Return it as JSON has it."""
        times = [self.created, self.seen, self.sent]

        return [*times, self.ip, self.agent] if self.ip or self.agent else times


@dataclass(frozen=True, slots=True)
class Record:
    """A session as it was stored."""

    content: dict[str, Any]
    stamp: Stamp | None
    """``None`` if Flask-Session wrote it."""


def encode(serializer: Serializer, content: dict[str, Any], stamp: Stamp, *, max_bytes: int) -> bytes:
    """Write a session.

    Args:
        serializer: Writes it.
        content: Its content.
        stamp: Its stamp.
        max_bytes: How long it may be; 0 for any length.

    Raises:
        SessionTooLargeError: If it is longer; the error names the largest keys.
        SessionValueError: If a value is of a type that cannot be written.
    """
    try:
        value = serializer.encode({**content, _STAMP_KEY: stamp.written()})
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise _explained(serializer, content, error) from error
    if max_bytes and len(value) > max_bytes:
        largest = sorted(content, key=lambda key: -len(serializer.encode({key: content[key]})))[:3]
        raise SessionTooLargeError(
            f"the session has {len(value):_} bytes, more than the {max_bytes:_} of SESSION_MAX_BYTES;"
            f" most of them are in {_quoted(largest)}",
            hint="Keep large things in the database, and their ids in the session.",
        )

    return value


def _explained(serializer: Serializer, content: dict[str, Any], error: Exception) -> CostrelError:
    for key, value in content.items():
        try:
            serializer.encode({key: value})
        except Exception:
            return SessionValueError(
                f"session[{key!r}] cannot be stored: {error}",
                hint=f"It is a {type(value).__name__}. Store what JSON has, dates, UUIDs, bytes or tuples"
                " of them; or add a tag, see TaggedJSONSerializer.register.",
            )

    return SessionValueError(f"the session cannot be stored: {error}")


def _quoted(keys: Sequence[str]) -> str:
    return ", ".join(map(repr, keys))


def decode(serializer: Serializer, value: bytes) -> Record | None:
    """Read a session.

    Args:
        serializer: Reads it.
        value: Bytes from the store, of any origin.

    Returns:
        The record; ``None`` if the bytes are no session: what Flask-Session
        pickled years ago, or garbage.
    """
    try:
        data = serializer.decode(value)
    except Exception:  # of a serializer or a tag, which may be the application's
        return None
    if not isinstance(data, dict):
        return None

    return Record(data, Stamp.read(data.pop(_STAMP_KEY, None)))
