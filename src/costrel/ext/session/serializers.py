"""Turn the content of a session into bytes and back: JSON or MessagePack, with tags. Never pickle.

Who can write into the store of a pickling application can run code in it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from costrel.errors import ConfigError
from costrel.sessions import session_json_serializer

__all__ = ["JSONSerializer", "MsgpackSerializer", "Serializer", "make_serializer"]


class Serializer(Protocol):
    """Writes and reads the content of sessions; ``app.session_interface.serializer`` may be one of yours."""

    def encode(self, session: dict[str, Any]) -> bytes:
        """Write; the same content gives the same bytes."""
        ...

    def decode(self, serialized_data: bytes) -> Any:
        """Read what ``encode`` wrote; raise any exception for other bytes."""
        ...


class JSONSerializer:
    """Tagged JSON, as in session cookies: tuples, bytes, dates, UUIDs and markup stay what they are.

    Example:
        >>> serializer = JSONSerializer()
        >>> serializer.encode({"size": (3, 4)})
        b'{"size":{" t":[3,4]}}'
        >>> serializer.decode(b'{"size":{" t":[3,4]}}')
        {'size': (3, 4)}
    """

    def encode(self, session: dict[str, Any]) -> bytes:
        """Write as JSON."""
        return session_json_serializer.dumps(session).encode()

    def decode(self, serialized_data: bytes) -> Any:
        """Read JSON; or MessagePack, if there is a library for it."""
        if serialized_data[:1] == b"{":
            return session_json_serializer.loads(serialized_data.decode())

        found = _find_msgpack()
        if found is None:
            raise ValueError("no JSON")
        return _untagged(found[1](serialized_data))


class MsgpackSerializer:
    """The same tags in MessagePack, which is shorter.

    Args:
        pack: Turns a value into bytes.
        unpack: Turns bytes into the value.
    """

    def __init__(self, pack: Callable[[Any], bytes], unpack: Callable[[bytes], Any]) -> None:
        self._pack = pack
        self._unpack = unpack

    def encode(self, session: dict[str, Any]) -> bytes:
        """Write as MessagePack."""
        return self._pack(session_json_serializer.tag(session))

    def decode(self, serialized_data: bytes) -> Any:
        """Read MessagePack, or JSON."""
        if serialized_data[:1] == b"{":  # MessagePack begins a dict with other bytes
            return session_json_serializer.loads(serialized_data.decode())

        return _untagged(self._unpack(serialized_data))


def _untagged(value: Any) -> Any:
    if isinstance(value, dict):
        return session_json_serializer.untag({key: _untagged(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return [_untagged(item) for item in value]

    return value


def make_serializer(format: str) -> Serializer:
    """Make the serializer of a format.

    Args:
        format: ``"json"`` or ``"msgpack"``; the latter needs ``msgspec`` or ``msgpack``.

    Raises:
        ConfigError: If the library for it is not installed.
    """
    if format == "json":
        return JSONSerializer()

    found = _find_msgpack()
    if found is not None:
        return MsgpackSerializer(*found)

    raise ConfigError(
        "SESSION_SERIALIZATION_FORMAT is 'msgpack', and no library for it is installed",
        hint="Install one with: pip install msgspec; or take 'json'.",
    )


def _find_msgpack() -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]] | None:
    for name, pack, unpack in (("msgspec.msgpack", "encode", "decode"), ("msgpack", "packb", "unpackb")):
        try:
            module = import_module(name)
        except ModuleNotFoundError:
            continue
        return getattr(module, pack), getattr(module, unpack)

    return None
