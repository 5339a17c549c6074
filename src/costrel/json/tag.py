"""JSON that keeps the types JSON lacks, by tags. Knows no session, which uses it.

A value of such a type is written as an object with one key, the tag:
``(1, 2)`` is ``{" t": [1, 2]}``. The text is the same that Flask writes and reads.
"""

# ruff: noqa: D102  # what the methods of a tag do is said once, on JSONTag

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from markupsafe import Markup
from werkzeug.http import http_date, parse_date

from costrel.json import dumps, loads

__all__ = [
    "JSONTag",
    "PassDict",
    "PassList",
    "TagBytes",
    "TagDateTime",
    "TagDict",
    "TagMarkup",
    "TagTuple",
    "TagUUID",
    "TaggedJSONSerializer",
]


class JSONTag:
    """How one type is written and read.

    A subclass sets ``key`` and gives ``check``, ``to_json`` and ``to_python``.

    Args:
        serializer: The serializer it is registered with, to tag what is within.
    """

    __slots__ = ("serializer",)

    key: ClassVar[str] = ""
    """The tag; empty for a type that needs none, but whose contents may."""

    def __init__(self, serializer: TaggedJSONSerializer) -> None:
        self.serializer = serializer

    def check(self, value: Any) -> bool:
        """Tell whether this is the tag for a value."""
        raise NotImplementedError

    def to_json(self, value: Any) -> Any:
        """Turn a value into one of JSON's types."""
        raise NotImplementedError

    def to_python(self, value: Any) -> Any:
        """Turn what ``to_json`` made back into the value."""
        raise NotImplementedError

    def tag(self, value: Any) -> dict[str, Any]:
        """Write a value under the tag."""
        return {self.key: self.to_json(value)}


class TagDict(JSONTag):
    """A dict whose only key is a tag already, and must not be taken for one."""

    __slots__ = ()
    key = " di"

    def check(self, value: Any) -> bool:
        return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in self.serializer.tags

    def to_json(self, value: Any) -> Any:
        key = next(iter(value))
        return {f"{key}__": self.serializer.tag(value[key])}

    def to_python(self, value: Any) -> Any:
        key = next(iter(value))
        return {key[:-2]: value[key]}


class PassDict(JSONTag):
    """Any other dict: untagged, its values tagged. Keys are strings in JSON."""

    __slots__ = ()

    def check(self, value: Any) -> bool:
        return isinstance(value, dict)

    def to_json(self, value: Any) -> Any:
        tag = self.serializer.tag
        return {key: tag(inner) for key, inner in value.items()}

    tag = to_json


class TagTuple(JSONTag):
    """A tuple."""

    __slots__ = ()
    key = " t"

    def check(self, value: Any) -> bool:
        return isinstance(value, tuple)

    def to_json(self, value: Any) -> Any:
        return [self.serializer.tag(item) for item in value]

    def to_python(self, value: Any) -> Any:
        return tuple(value)


class PassList(JSONTag):
    """A list: untagged, its items tagged."""

    __slots__ = ()

    def check(self, value: Any) -> bool:
        return isinstance(value, list)

    def to_json(self, value: Any) -> Any:
        return [self.serializer.tag(item) for item in value]

    tag = to_json


class TagBytes(JSONTag):
    """Bytes, as base64."""

    __slots__ = ()
    key = " b"

    def check(self, value: Any) -> bool:
        return isinstance(value, bytes)

    def to_json(self, value: Any) -> Any:
        return b64encode(value).decode("ascii")

    def to_python(self, value: Any) -> Any:
        return b64decode(value)


class TagMarkup(JSONTag):
    """Anything with ``__html__``; read back as ``Markup``."""

    __slots__ = ()
    key = " m"

    def check(self, value: Any) -> bool:
        return callable(getattr(value, "__html__", None))

    def to_json(self, value: Any) -> Any:
        return str(value.__html__())

    def to_python(self, value: Any) -> Any:
        return Markup(value)


class TagUUID(JSONTag):
    """A UUID, as its 32 digits."""

    __slots__ = ()
    key = " u"

    def check(self, value: Any) -> bool:
        return isinstance(value, UUID)

    def to_json(self, value: Any) -> Any:
        return value.hex

    def to_python(self, value: Any) -> Any:
        return UUID(value)


class TagDateTime(JSONTag):
    """A datetime, as an HTTP date; read back in UTC, without fractions of a second."""

    __slots__ = ()
    key = " d"

    def check(self, value: Any) -> bool:
        return isinstance(value, datetime)

    def to_json(self, value: Any) -> Any:
        return http_date(value)

    def to_python(self, value: Any) -> Any:
        return parse_date(value)


_DEFAULT_TAGS: list[type[JSONTag]] = [
    TagDict,
    PassDict,
    TagTuple,
    PassList,
    TagBytes,
    TagMarkup,
    TagUUID,
    TagDateTime,
]
_UNTAGGED = frozenset((str, int, float, bool, type(None)))


class TaggedJSONSerializer:
    """Writes and reads JSON with tags.

    Example:
        >>> serializer = TaggedJSONSerializer()
        >>> serializer.loads(serializer.dumps({"size": (3, 4)}))
        {'size': (3, 4)}
    """

    __slots__ = ("_only_default", "_spaced", "order", "tags")

    default_tags: ClassVar[list[type[JSONTag]]] = _DEFAULT_TAGS
    """The tags a new serializer has, in the order they are tried."""

    def __init__(self) -> None:
        self.tags: dict[str, JSONTag] = {}
        self.order: list[JSONTag] = []
        self._only_default = self._spaced = True
        for tag_class in self.default_tags:
            self.register(tag_class)

    def register(self, tag_class: type[JSONTag], force: bool = False, index: int | None = None) -> None:
        """Add a tag.

        Args:
            tag_class: Its class.
            force: Replace a tag of the same key.
            index: Its place in the order they are tried; ``None``: the last.
                A tag for a subclass must come before that of its base.

        Raises:
            KeyError: If there is a tag of that key, and ``force`` is not set.
        """
        tag = tag_class(self)
        if tag.key:
            if not force and tag.key in self.tags:
                taken = type(self.tags[tag.key]).__name__
                raise KeyError(f"the tag {tag.key!r} is taken by {taken}; see force=True")
            self.tags[tag.key] = tag
        self.order.insert(len(self.order) if index is None else index, tag)

        self._only_default = self._only_default and tag_class in _DEFAULT_TAGS
        self._spaced = self._spaced and (not tag.key or tag.key.startswith(" "))

    def tag(self, value: Any) -> Any:
        """Turn a value into one that JSON can hold, with a tag if it needs one."""
        # PERF: 0.07 µs instead of 0.65 for the values that most sessions hold.
        if self._only_default and type(value) in _UNTAGGED:
            return value
        for tag in self.order:
            if tag.check(value):
                return tag.tag(value)

        return value

    def untag(self, value: dict[str, Any]) -> Any:
        """Turn one tagged object back into its value; any other stays."""
        if len(value) != 1:
            return value

        key = next(iter(value))
        if key not in self.tags:
            return value

        return self.tags[key].to_python(value[key])

    def _untag_scan(self, value: Any) -> Any:
        """Untag all that is within a value, then the value."""
        if isinstance(value, dict):
            return self.untag({key: self._untag_scan(inner) for key, inner in value.items()})
        if isinstance(value, list):
            return [self._untag_scan(item) for item in value]

        return value

    def dumps(self, value: Any) -> str:
        """Write a value as compact JSON text, with tags."""
        return dumps(self.tag(value), separators=(",", ":"))

    def loads(self, value: str) -> Any:
        """Read text that ``dumps`` wrote."""
        data = loads(value)
        # PERF: most sessions hold no tag, and all tags begin with a space (0.06 µs
        # instead of 0.7 for three values).
        if self._spaced and '" ' not in value and "\\u0020" not in value:
            return data

        return self._untag_scan(data)
